// Package validate judges the signatures of a PDF file: whether what is shown now is what was
// signed, by whom, when, and whether the certificate was good then. The frame is that of
// ETSI EN 319 102-1; the known attacks (forged ByteRange, wrapping, incremental saving,
// shadows, evil annotations) each meet a check of their own, in a file of its own.
//
//	report, err := validate.File(ctx, file, size, validate.Options{Anchors: lists})
//
// Whatever is not known for certain does not pass. What changed behind a signature is
// compared object by object, and only changes that a rule names are allowed.
//
// The package keeps no state, logs nothing, and fetches nothing but through the caller's
// Fetcher, for paths that reach a trust anchor.
package validate
