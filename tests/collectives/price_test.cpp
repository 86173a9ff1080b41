// price(): closed forms without a library, laws that hold for any constants, choices that NCCL's
// logs show, calibration.
#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include "collectives/cost.hpp"
#include "collectives/library.hpp"
#include "collectives/tuner.hpp"
#include "tests/collectives/shapes.hpp"

namespace {

using collectives::Fabric;
using collectives::Kind;
using collectives::LibraryProfile;
using collectives::price;
using collectives_test::grid;
using sim::Bytes;
using sim::Time;

Fabric h100() {
  Fabric fabric;
  fabric.intra_bandwidth = sim::Bandwidth::gb_per_s(450);
  fabric.intra_latency = Time::ns(600);
  fabric.inter_bandwidth = sim::Bandwidth::gb_per_s(400);
  fabric.inter_latency = Time::ns(1500);
  fabric.multicast = true;
  return fabric;
}

LibraryProfile ideal() {
  LibraryProfile library;
  library.ideal = true;
  return library;
}

double seconds(Kind kind, const collectives::GroupShape& shape, std::int64_t bytes,
               const Fabric& fabric, const LibraryProfile& library) {
  return price(kind, shape, Bytes{bytes}, fabric, library).total().seconds();
}

}  // namespace

TEST_CASE("ideal prices are the closed forms") {
  const std::int64_t s = 450'000'000 * 8LL;
  const auto shape = grid(1, 8);
  const auto reduce = price(Kind::all_reduce, shape, Bytes{s}, h100(), ideal());
  CHECK(reduce.latency == Time::ns(14 * 600));
  CHECK(reduce.transfer.seconds() == Approx(2.0 * 7 / 8 * static_cast<double>(s) / 450e9));
  for (const Kind kind : {Kind::all_gather, Kind::reduce_scatter, Kind::all_to_all}) {
    const auto one = price(kind, shape, Bytes{s}, h100(), ideal());
    CHECK(one.latency == Time::ns(7 * 600));
    CHECK(one.transfer.seconds() == Approx(7.0 / 8 * static_cast<double>(s) / 450e9));
  }
  const auto send = price(Kind::send_recv, grid(1, 2), Bytes{s}, h100(), ideal());
  CHECK(send.latency == Time::ns(600));
  CHECK(send.transfer.seconds() == Approx(static_cast<double>(s) / 450e9));
  CHECK(send.sm_share == 0.0);
}

TEST_CASE("ideal prices between domains are bound by the NICs that the group uses") {
  const double s = 1e9;
  const double ring8 = seconds(Kind::all_reduce, grid(4, 8), 1'000'000'000, h100(), ideal());
  CHECK(ring8 == Approx(2.0 * 31 / 32 * s / 400e9 + 62 * 1.5e-6));
  const double ring1 = seconds(Kind::all_reduce, grid(4, 1), 1'000'000'000, h100(), ideal());
  CHECK(ring1 == Approx(2.0 * 3 / 4 * s / 50e9 + 6 * 1.5e-6));
  const double exchange = seconds(Kind::all_to_all, grid(4, 8), 1'000'000'000, h100(), ideal());
  CHECK(exchange == Approx(24.0 / 32 * s / 50e9 + 31 * 1.5e-6));
  Fabric few = h100();
  few.nics_per_domain = 2;
  CHECK(collectives::nic_share(few, 1) == Approx(0.5));
  CHECK(collectives::nic_share(few, 5) == Approx(1.0));
  Fabric many = h100();
  many.nics_per_domain = 32;
  CHECK(collectives::nic_share(many, 2) == Approx(0.25));
}

TEST_CASE("ideal transfer agrees with the traffic on the busiest port") {
  const std::int64_t s = 1 << 26;
  for (const Kind kind : {Kind::all_reduce, Kind::all_gather, Kind::reduce_scatter}) {
    const auto shape = grid(4, 8);
    const auto edges = collectives::find_algorithm("ring")->traffic(kind, shape, Bytes{s});
    std::vector<double> nic(32);
    for (const auto& edge : edges) {
      if (shape.domain[edge.from] != shape.domain[edge.to])
        nic[edge.from] += edge.bytes.as_double();
    }
    const auto quote = price(kind, shape, Bytes{s}, h100(), ideal());
    CHECK(quote.transfer.seconds() == Approx(nic[0] / 50e9).epsilon(1e-6));
  }
}

TEST_CASE("one member pays nothing, no bytes pay latency only") {
  for (const Kind kind : collectives_test::kKinds) {
    for (const auto& library : {LibraryProfile{}, ideal()}) {
      CHECK(price(kind, grid(1, 1), Bytes{1 << 30}, h100(), library).total() == Time::zero());
      const auto empty = price(kind, grid(2, 4), Bytes{0}, h100(), library);
      CHECK(empty.transfer == Time::zero());
      CHECK(empty.latency > Time::zero());
      CHECK(empty.algorithm->applies(kind, grid(2, 4)));
    }
  }
}

TEST_CASE("more bytes take longer with the same method") {
  const Fabric fabric = h100();
  const auto& constants = collectives::model_constants();
  for (const auto& shape : {grid(1, 2), grid(1, 8), grid(2, 8), grid(16, 1), grid(64, 8)}) {
    const auto group = collectives::group_facts(shape);
    for (const auto method :
         {collectives::Method::ring, collectives::Method::tree, collectives::Method::nvls_tree}) {
      for (const auto protocol : {collectives::Protocol::ll, collectives::Protocol::ll128,
                                  collectives::Protocol::simple}) {
        double last = 0.0;
        for (double bytes = 1.0; bytes < 1e12; bytes *= 1.7) {
          const auto cost = collectives::method_cost(Kind::all_reduce, {method, protocol}, group,
                                                     bytes, fabric, constants);
          CHECK(cost.latency + cost.transfer > last);
          last = cost.latency + cost.transfer;
        }
      }
    }
  }
  for (const Kind kind : {Kind::all_to_all, Kind::send_recv}) {
    double last = 0.0;
    for (double bytes = 1e3; bytes < 1e12; bytes *= 1.7) {
      const double t = seconds(kind, grid(2, 8), static_cast<std::int64_t>(bytes), fabric, {});
      CHECK(t > last);
      last = t;
    }
  }
}

TEST_CASE("slower links never make a collective faster") {
  for (const Kind kind : collectives_test::kKinds) {
    for (const auto& shape : {grid(1, 8), grid(4, 8), grid(8, 1)}) {
      Fabric slow = h100();
      slow.intra_bandwidth = slow.intra_bandwidth * 0.5;
      slow.inter_bandwidth = slow.inter_bandwidth * 0.5;
      CHECK(seconds(kind, shape, 1 << 30, slow, {}) > seconds(kind, shape, 1 << 30, h100(), {}));
      Fabric late = h100();
      late.intra_latency = Time::us(5);
      late.inter_latency = Time::us(20);
      CHECK(seconds(kind, shape, 1 << 30, late, {}) > seconds(kind, shape, 1 << 30, h100(), {}));
    }
  }
}

TEST_CASE("the choice follows NCCL's logs") {
  // 8 x H200: ring/LL to 1 MiB, NVLS/Simple from 2 MiB on; A100 has no NVLS.
  const auto small = price(Kind::all_reduce, grid(1, 8), Bytes{1 << 20}, h100(), {});
  CHECK(small.algorithm->name == "ring");
  CHECK(small.protocol == "LL");
  const auto large = price(Kind::all_reduce, grid(1, 8), Bytes{2 << 20}, h100(), {});
  CHECK(large.algorithm->name == "nvls");
  CHECK(large.protocol == "Simple");
  Fabric a100 = h100();
  a100.generation = collectives::Generation::ampere;
  a100.multicast = false;
  CHECK(price(Kind::all_reduce, grid(1, 8), Bytes{1 << 28}, a100, {}).algorithm->name == "ring");
  // Large groups: trees for small messages, rings for the largest.
  CHECK(price(Kind::all_reduce, grid(64, 8), Bytes{1024}, a100, {}).algorithm->name == "tree");
  const auto huge = price(Kind::all_reduce, grid(64, 8), Bytes{1LL << 34}, a100, {});
  CHECK(huge.algorithm->name == "ring");
  CHECK(price(Kind::all_gather, grid(4, 8), Bytes{1 << 28}, h100(), {}).algorithm->name == "ring");
  CHECK(price(Kind::all_to_all, grid(1, 8), Bytes{1 << 28}, h100(), {}).algorithm->name ==
        "direct");
  CHECK(price(Kind::all_to_all, grid(4, 8), Bytes{1 << 28}, h100(), {}).algorithm->name ==
        "hierarchical");
  Fabric mesh = h100();
  mesh.intra = collectives::Interconnect::nvlink_mesh;
  CHECK(price(Kind::all_gather, grid(1, 4), Bytes{1 << 28}, mesh, {}).algorithm->name == "direct");
}

TEST_CASE("tuning constants belong to releases") {
  CHECK(collectives::tuner_constants("2.18").hop[0][0][2] == 4.0);
  CHECK(collectives::tuner_constants("2.19.4").hop[0][0][2] == 28.0);
  CHECK(collectives::tuner_constants("2.20").release == 219);
  CHECK(collectives::tuner_constants("2.22.3").ll_max[2][0] == 141.0);
  CHECK(collectives::tuner_constants("2.27.7").nvls_efficiency[2] == 0.0);
  CHECK(collectives::tuner_constants("2.30").nvls_efficiency[2] == 0.85);
  CHECK(collectives::tuner_constants("nonsense").release == 228);
  CHECK(collectives::tuner_constants("2.4").release == 218);
}

TEST_CASE("calibrated points replace the model") {
  LibraryProfile library;
  library.calibration.points = {{Kind::all_reduce, 8, 1, Bytes{1 << 20}, Time::us(100)},
                                {Kind::all_reduce, 8, 1, Bytes{1 << 24}, Time::us(400)}};
  const auto total = [&](std::int64_t bytes) {
    return seconds(Kind::all_reduce, grid(1, 8), bytes, h100(), library) * 1e6;
  };
  CHECK(total(1 << 20) == Approx(100));
  CHECK(total(1 << 24) == Approx(400));
  CHECK(total(1 << 22) == Approx(200));  // half-way in log-log
  CHECK(total(1 << 10) == Approx(100));
  CHECK(total(1 << 26) == Approx(1600));
  const auto quote = price(Kind::all_reduce, grid(1, 8), Bytes{1 << 22}, h100(), library);
  CHECK(quote.latency + quote.transfer == quote.total());
  CHECK(quote.latency > Time::zero());
  CHECK(quote.transfer > Time::zero());
  const LibraryProfile plain;
  CHECK(seconds(Kind::all_gather, grid(1, 8), 1 << 22, h100(), library) ==
        seconds(Kind::all_gather, grid(1, 8), 1 << 22, h100(), plain));
  CHECK(seconds(Kind::all_reduce, grid(2, 4), 1 << 22, h100(), library) ==
        seconds(Kind::all_reduce, grid(2, 4), 1 << 22, h100(), plain));
}

TEST_CASE("fits of measured collectives replace the model, other group sizes are scaled") {
  LibraryProfile library;
  collectives::CalibratedFit fit;
  fit.kind = Kind::all_reduce;
  fit.members = 8;
  fit.segments = {{Bytes{0}, Time::us(10), sim::Bandwidth{1e9}},
                  {Bytes{1 << 20}, Time::us(100), sim::Bandwidth{10e9}}};
  library.calibration.fits.push_back(fit);
  fit.call = collectives::Call::nonblocking;
  fit.compute_share = 0.9;
  fit.segments = {{Bytes{0}, Time::us(20), sim::Bandwidth{2e9}}};
  library.calibration.fits.push_back(fit);
  fit.algorithm = "ring";  // measured, but not what the library chooses
  fit.call = collectives::Call::blocking;
  fit.segments = {{Bytes{0}, Time::us(1), sim::Bandwidth{1e12}}};
  library.calibration.fits.push_back(fit);

  const auto small = price(Kind::all_reduce, grid(1, 8), Bytes{1000}, h100(), library);
  CHECK(small.latency == Time::us(10));
  CHECK(small.transfer == Time::us(1));
  CHECK(small.source == collectives::PriceSource::measured);
  const auto large = price(Kind::all_reduce, grid(1, 8), Bytes{10'000'000}, h100(), library);
  CHECK(large.total() == Time::us(1100));
  const auto beside = price(Kind::all_reduce, grid(1, 8), Bytes{1000}, h100(), library,
                            collectives::Call::nonblocking);
  CHECK(beside.total() == Time::ns(20'500));
  CHECK(beside.sm_share == 0.9);

  // 16 members: log2 16 steps for log2 8, and 2 * 15/16 of the buffer for 2 * 7/8.
  const auto more = price(Kind::all_reduce, grid(1, 16), Bytes{1'000'000}, h100(), library);
  CHECK(more.source == collectives::PriceSource::scaled);
  CHECK(more.latency.seconds() == Approx(10e-6 * 4.0 / 3.0));
  CHECK(more.transfer.seconds() == Approx(1e-3 * (15.0 / 16.0) / (7.0 / 8.0)));

  // Nothing is known of the network, nor of other collectives.
  CHECK(price(Kind::all_reduce, grid(2, 8), Bytes{1000}, h100(), library).source ==
        collectives::PriceSource::model);
  CHECK(price(Kind::all_gather, grid(1, 8), Bytes{1000}, h100(), library).total() ==
        price(Kind::all_gather, grid(1, 8), Bytes{1000}, h100(), {}).total());
}

TEST_CASE("prices do not depend on how the members are listed") {
  for (const Kind kind : collectives_test::kKinds) {
    CHECK(seconds(kind, collectives_test::dealt(4, 2), 1 << 24, h100(), {}) ==
          seconds(kind, grid(4, 2), 1 << 24, h100(), {}));
  }
}

TEST_CASE("groups with unequal domains are priced by the emptiest one") {
  const auto uneven = collectives_test::blocks({8, 2});
  const double t = seconds(Kind::all_reduce, uneven, 1 << 30, h100(), {});
  CHECK(t > seconds(Kind::all_reduce, grid(2, 8), 1 << 30, h100(), {}));
  const auto quote = price(Kind::all_reduce, uneven, Bytes{1 << 30}, h100(), {});
  CHECK(quote.algorithm->applies(Kind::all_reduce, uneven));
}

TEST_CASE("a collective takes a part of the SMs") {
  const auto reduce = price(Kind::all_gather, grid(1, 8), Bytes{1 << 28}, h100(), {});
  const auto send = price(Kind::send_recv, grid(1, 2), Bytes{1 << 28}, h100(), {});
  CHECK(reduce.sm_share == Approx(24.0 / 132.0));
  CHECK(send.sm_share < reduce.sm_share);
}
