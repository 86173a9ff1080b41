// A chart of lines over a common axis, as one self-contained SVG.
#pragma once

#include <string>
#include <vector>

namespace reports {

struct Line {
  std::string label;
  std::vector<double> y;  // one per x; NaN = no point
};

struct LineChart {
  std::string title, x_label, y_label;
  std::vector<std::string> x;  // as shown; spaced by value where all are numbers, else evenly
  std::vector<Line> lines;
};

std::string svg(const LineChart& chart);

}  // namespace reports
