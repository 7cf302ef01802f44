// Package path builds and judges certification paths: from a certificate up to
// one of several named lists of trust anchors, at a given time, which may lie in
// the past, with the exact reason when it fails (RFC 5280, Section 6), and with
// the revocation status of every certificate at that time from OCSP responses
// (RFC 6960) and CRLs (RFC 5280, Sections 5 and 6.3), at hand or fetched.
//
// [Validate] answers both questions. A broken path is an error; the revocation
// status stands per certificate in the [Result], and [Result.Check] turns it
// into one. A status that evidence does not prove is unknown, never good: an
// expired CRL proves nothing. A trust anchor needs no check.
//
// [Collect] does the same now, demands good, and returns the bytes that a
// document must hold so that the question can be answered again later (a DSS,
// ETSI EN 319 142-1, Section 5.4.2).
//
// Nothing is fetched but through the caller's [Fetcher], and only for paths that
// reach an anchor. The package keeps no state and logs nothing. Delta and
// indirect CRLs, and CRLs for some reasons only, are not used.
package path
