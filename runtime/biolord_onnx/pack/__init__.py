"""An artifact as something to carry: a wheel, a folder for a machine without a network, a container's build context."""
