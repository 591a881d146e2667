module gangplank.dev/bench/shape

go 1.24
