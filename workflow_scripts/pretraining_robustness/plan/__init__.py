"""What a study would cost, before anything of it runs."""
