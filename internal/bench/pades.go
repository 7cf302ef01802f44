package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11/p11bench"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/profile"
	"github.com/kyso-vn/kyso/signer/pades"
)

// smallDocument is a document of some 20 kB.
const smallDocument = "testdata/pdf/to-trinh.pdf"

// certify makes a self-signed root under rootKey and under it a certificate for public.
func certify(ctx context.Context, rootKey crypto.Signer, public crypto.PublicKey) (cert, root *x509.Certificate, err error) {
	profiles, err := profile.Builtin(profile.Options{})
	if err != nil {
		return nil, nil, err
	}
	issue := func(by ca.Config, name string, public crypto.PublicKey) (*x509.Certificate, error) {
		authority, err := ca.New(by)
		if err != nil {
			return nil, err
		}
		p, err := profiles.Get(name)
		if err != nil {
			return nil, err
		}
		d, err := authority.Prepare(ca.Request{Profile: p, PublicKey: public, Subject: p.Arrange(pki.Subject{
			{Type: pki.Country, Value: "VN"}, {Type: pki.OrganizationName, Value: "Kyso"}, {Type: pki.CommonName, Value: "Bench " + name}})})
		if err != nil {
			return nil, err
		}
		return authority.Issue(ctx, d)
	}
	if root, err = issue(ca.Config{Signer: rootKey}, "root", rootKey.Public()); err != nil {
		return nil, nil, err
	}
	cert, err = issue(ca.Config{Certificate: root, Signer: rootKey, Addresses: pki.Addresses{Base: "http://pki.example.vn", CA: "bench"}}, "issuing", public)
	return cert, root, err
}

// padesSmall measures whole B-B signatures of a 20 kB document: parse, update, digest, CMS,
// HSM, verification in software, file.
func padesSmall(ctx context.Context, o options) (line, error) {
	token, bare, err := openToken(ctx, o)
	if err != nil {
		return line{}, err
	}
	key, err := token.GenerateKey(ctx, hsm.KeyRef{Label: "signer"}, hsm.P256)
	if err != nil {
		return line{}, err
	}
	rootKey, err := token.GenerateKey(ctx, hsm.KeyRef{Label: "root"}, hsm.P256)
	if err != nil {
		return line{}, err
	}
	cert, root, err := certify(ctx, rootKey, key.Public())
	if err != nil {
		return line{}, err
	}
	in, err := os.ReadFile(smallDocument)
	if err != nil {
		return line{}, err
	}
	signer, err := pades.NewSigner(cms.Options{Certificate: cert, Chain: []*x509.Certificate{root}})
	if err != nil {
		return line{}, err
	}
	l, err := measure(ctx, o.parallel, o.seconds, func(ctx context.Context, _ int) error {
		p, err := pades.Prepare(ctx, pades.FromBytes(in), pades.Options{Signer: signer, TimestampRoom: -1})
		if err != nil {
			return err
		}
		value, err := key.SignContext(ctx, p.Digest(), p.SignerOpts())
		if err != nil {
			return err
		}
		var out bytes.Buffer
		out.Grow(len(in) + 8<<10)
		_, err = pades.Finish(ctx, p, pades.FromBytes(in), value, nil, &out)
		return err
	})
	if err != nil {
		return l, err
	}
	limit, err := p11bench.Sign(ctx, bare, "signer", hsm.P256)
	l.Unit, l.Limit = "documents/s", limit.PerSecond()
	return l, err
}

// padesLarge measures kyso pdf sign on a file of 100 MB, its time and its memory, against a
// streaming copy with SHA-256.
func padesLarge(ctx context.Context, o options) (line, error) {
	in, out := filepath.Join(o.dir, "large.pdf"), filepath.Join(o.dir, "signed.pdf")
	if err := writeLarge(in, 100<<20); err != nil {
		return line{}, err
	}
	key, cert, err := softKey(ctx, o)
	if err != nil {
		return line{}, err
	}
	best := line{Unit: "s"}
	for range 3 {
		limit, err := streamCopy(in, filepath.Join(o.dir, "copy.pdf"))
		if err != nil {
			return best, err
		}
		cmd := exec.CommandContext(ctx, o.kyso, "pdf", "sign", "--in", in, "--out", out, "--key", key, "--cert", cert, "--level", "B-B")
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return best, fmt.Errorf("kyso pdf sign: %w", err)
		}
		var got struct {
			MS  float64 `json:"ms"`
			RSS int64   `json:"rss_kb"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			return best, err
		}
		best.N++
		if s := got.MS / 1000; best.Value == 0 || s/limit < best.Value/best.Limit {
			best.Value, best.Limit = s, limit
		}
		best.RSS = max(best.RSS, got.RSS)
	}
	return best, nil
}

// softKey writes a key and its certificate in PEM, for the command line.
func softKey(ctx context.Context, o options) (keyFile, certFile string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return "", "", err
	}
	cert, _, err := certify(ctx, key, key.Public())
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	keyFile, certFile = filepath.Join(o.dir, "key.pem"), filepath.Join(o.dir, "cert.pem")
	return keyFile, certFile, errors.Join(
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600),
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600))
}

// streamCopy is what signing at least has to do: read, hash, write, sync. In seconds.
func streamCopy(from, to string) (float64, error) {
	start := time.Now()
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	h := sha256.New()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(out, h)}, struct{ io.Reader }{in}, make([]byte, 256<<10))
	return time.Since(start).Seconds(), errors.Join(err, out.Sync(), out.Close(), os.Remove(to))
}

// writeLarge writes a PDF of some size bytes: many pages, each with a picture of noise.
func writeLarge(file string, size int64) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := &counter{w: bufio.NewWriterSize(f, 1<<20)}
	fmt.Fprint(w, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	const picture = 512 << 10
	pages := int(size / picture)
	var offsets []int64
	object := func(format string, args ...any) {
		offsets = append(offsets, w.n)
		fmt.Fprintf(w, "%d 0 obj\n", len(offsets))
		fmt.Fprintf(w, format, args...)
		fmt.Fprint(w, "\nendobj\n")
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	kids := new(bytes.Buffer)
	for i := range pages {
		fmt.Fprintf(kids, "%d 0 R ", 3+3*i)
	}
	object("<< /Type /Pages /Count %d /Kids [ %s] >>", pages, kids)
	noise := rand.NewChaCha8([32]byte{1})
	pixels := make([]byte, picture)
	for i := range pages {
		_, _ = noise.Read(pixels) // never fails
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /Im %d 0 R >> >> /Contents %d 0 R >>", 5+3*i, 4+3*i)
		object("<< /Length 31 >>\nstream\nq 500 0 0 700 40 70 cm /Im Do Q\nendstream")
		object("<< /Type /XObject /Subtype /Image /Width 1024 /Height 512 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length %d >>\nstream\n%s\nendstream", picture, pixels)
	}
	start := w.n
	fmt.Fprintf(w, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(w, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(w, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return errors.Join(w.w.Flush(), f.Close())
}

type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
