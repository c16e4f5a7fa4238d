// Placeholder until the first test support lands.
