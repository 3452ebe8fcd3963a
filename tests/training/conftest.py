"""What tests of training share."""

from small_runs import small as small
