// Anchors the header-only module: every definition is static inline in include/CLinux.h.
