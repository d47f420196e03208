//! X.509 work: renewing a CA byte-exactly, issuing leaves under it.
