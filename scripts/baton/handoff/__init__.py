"""Records of handoffs on the host: judged, compared, shown."""
