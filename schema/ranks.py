"""The numbers that keep ranks among quantiles right in every unit: in Transform, on servers and on devices."""

# The width of a bucket whose ends are equal, which makes it a step. The smallest number that hardware without
# subnormal numbers knows, so that it is below every width in any unit; and its reciprocal, by which runtimes multiply
# instead of dividing, is finite.
SMALLEST_WIDTH = 2.0**-126

# Boundaries are within this to either side, so that no width exceeds 2^113. The reciprocal of a larger one would be
# coarse, to 2e-4 from 2^119 on (TensorFlow estimates it and then refines no more), and from 2^126 on be taken for 0.
LARGEST_BOUNDARY = 2.0**112
