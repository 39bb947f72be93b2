"""What the benchmarks stand on: large databases kept between runs, servers, and their CPU."""
