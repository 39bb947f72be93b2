"""What builds, checks and tests Fangkong; none of it is part of the product."""
