"""What a build stands on, on both sides: toolchains, system libraries, packages. Facts only; nothing here judges."""
