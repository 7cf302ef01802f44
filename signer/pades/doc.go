// Package pades signs PDF files: PAdES baseline signatures B-B to B-LTA (ETSI EN 319 142-1),
// by incremental updates that leave every earlier byte as it was.
//
// Signing is cut in three so that the key may live elsewhere and every step may be stored:
//
//	p, _ := pades.Prepare(ctx, in, pades.Options{Certificate: cert, Chain: chain})
//	value, _ := key.Sign(rand.Reader, p.Digest(), p.SignerOpts())
//	result, _ := pades.Finish(ctx, p, in, value, nil, out)
//
// Prepare fixes all but the signature value: the update, its ByteRange, the signed
// attributes. A Prepared survives JSON; whoever has it and the input can finish it, without
// the key. Augment raises what is signed by further updates.
//
// Files are streamed, never in memory as a whole. Refusals carry a stable code
// (signer.CodeOf): those of signer, and of signer/pdf for files that can't be read.
package pades
