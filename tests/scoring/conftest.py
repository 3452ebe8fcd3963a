"""What tests of scoring share."""

from small_runs import small as small
