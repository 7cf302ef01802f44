// Package cms builds, parses and verifies CMS SignedData (RFC 5652) as PDF
// signatures (PAdES, ETSI EN 319 142-1; CAdES attributes, ETSI EN 319 122-1)
// and time-stamp tokens (RFC 3161) need it.
//
// Signing is split in two so that the key may live elsewhere and the work may
// be stored in between:
//
//	tmpl, _  := cms.NewTemplate(cms.Options{Certificate: cert, Chain: chain})
//	draft, _ := tmpl.Draft(messageDigest)     // fixes the signed attributes
//	sig, _   := crypto.SignMessage(key, rand.Reader, draft.SignedAttrs(), draft.SignerOpts())
//	der, _   := draft.Assemble(sig)           // ContentInfo, DER
//
// A Draft is a small value that survives JSON. What the package builds is DER:
// SET OF values are sorted. What it reads is DER too, unless Limits.AllowBER is
// set. It makes and reads exactly one SignerInfo, and always demands signed
// attributes unless told otherwise.
//
// The package keeps no state, logs nothing and may be used from many goroutines.
package cms
