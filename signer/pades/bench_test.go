package pades_test

import (
	"crypto/rand"
	"io"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
)

// The work of signing 20 kB, apart from the key's.
func BenchmarkPrepare(b *testing.B) {
	an := newPerson(b, "a", p256(b))
	in := read(b, "../../testdata/pdf/to-trinh.pdf")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pades.Prepare(b.Context(), pades.FromBytes(in), pades.Options{Certificate: an.cert, Chain: an.chain, TimestampRoom: -1}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFinish(b *testing.B) {
	an := newPerson(b, "a", p256(b))
	in := read(b, "../../testdata/pdf/to-trinh.pdf")
	p, err := pades.Prepare(b.Context(), pades.FromBytes(in), pades.Options{Certificate: an.cert, Chain: an.chain, TimestampRoom: -1})
	if err != nil {
		b.Fatal(err)
	}
	value, err := an.key.Sign(rand.Reader, p.Digest(), p.SignerOpts())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pades.Finish(b.Context(), p, pades.FromBytes(in), value, nil, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	for _, level := range []signer.Level{signer.LevelB, signer.LevelT, signer.LevelLT, signer.LevelLTA} {
		b.Run(level.String(), func(b *testing.B) {
			w := newWorld(b, p256(b))
			w.o.TSA = w.World.TSA
			o := w.options()
			in := read(b, "../../testdata/pdf/to-trinh.pdf")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pades.Sign(b.Context(), pades.FromBytes(in), o, w.Key, level, w.o, io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
