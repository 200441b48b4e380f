"""The entrances, one file each: `enter` takes any bytes, and raises where anything but the known errors comes."""
