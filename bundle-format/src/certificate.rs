//! The public facts of a certificate, and whether one verifies under another.
