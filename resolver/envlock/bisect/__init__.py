"""Which few of many changes make something fail? Delta debugging over versions. Pure."""
