// What is built in: the tables of strategies and of pipeline schedules.
#pragma once

#include "strategies/schedule.hpp"
#include "strategies/strategy.hpp"
