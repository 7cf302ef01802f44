package pades

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// subject is a certificate whose path and status a DSS must make provable.
type subject struct {
	cert  *x509.Certificate
	with  []*x509.Certificate // that came with it
	at    time.Time           // when it counted; zero for now
	stamp bool                // of a time-stamp authority
	vri   pdf.Name            // of the signature it belongs to
	// optional says that signing goes on without: somebody else's signature.
	optional bool
}

// subjects lists the signers and time-stamp authorities of a file.
func subjects(list []*found, only string) ([]subject, error) {
	var out []subject
	for i, x := range list {
		optional := only != "" && x.field.Name != only && !x.archive
		if x.sd == nil {
			if optional {
				continue
			}
			return nil, refuse(CodeUnreadable, "the signature in field %q can't be read", x.field.Name)
		}
		cert := signerOf(x.sd)
		if cert == nil {
			if optional {
				continue
			}
			return nil, refuse(CodeUnreadable, "the signature in field %q does not hold its certificate", x.field.Name)
		}
		out = append(out, subject{cert: cert, with: x.sd.Certificates, at: stampedAt(list, i), stamp: x.archive, vri: x.vriKey(), optional: optional})
		if x.archive || x.stamp == nil {
			continue
		}
		if authority := signerOf(x.stamp.SignedData); authority != nil {
			out = append(out, subject{cert: authority, with: x.stamp.SignedData.Certificates, at: coveredAt(list, i), stamp: true, vri: x.vriKey(), optional: optional})
		}
	}
	return out, nil
}

// collector finds validation data, what is at hand first.
type collector struct {
	o    *AugmentOptions
	now  time.Time
	have path.Evidence // of the file, the caller, and what was fetched
}

var oidTimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

// collect returns what proves the path and the status of a certificate: at the time when it
// counted or, where that can't be shown, now.
func (c *collector) collect(ctx context.Context, s subject) (path.Evidence, error) {
	o := path.Options{
		Anchors: c.o.Anchors, Intermediates: slices.Concat(s.with, c.o.Certificates), At: s.at, Now: c.now,
		Evidence: c.have, Fetcher: c.o.Fetcher, MaxEvidenceBytes: c.o.maxBytes(),
		// Whether its algorithms are good enough is for the verifier to say.
		Algorithms: path.Algorithms{AllowWeak: true},
	}
	if s.stamp {
		o.Purposes = []asn1.ObjectIdentifier{oidTimeStamping}
	}
	if len(o.Anchors) == 0 {
		o.Anchors = []path.AnchorList{{Certificates: selfSigned(append(o.Intermediates, c.have.Certificates...))}}
	}
	r, err := validated(ctx, s.cert, o)
	if err != nil && !s.at.IsZero() {
		o.At = time.Time{}
		if again, err2 := validated(ctx, s.cert, o); err2 == nil {
			r, err = again, nil
		}
	}
	if err != nil {
		return path.Evidence{}, evidenceError(err)
	}
	c.have.Merge(r.Used)
	return r.Used, nil
}

func validated(ctx context.Context, cert *x509.Certificate, o path.Options) (*path.Result, error) {
	r, err := path.Validate(ctx, cert, o)
	if err != nil {
		return nil, err
	}
	return r, r.Check()
}

// evidenceError gives an error of pki/path the code that users see.
func evidenceError(err error) error {
	code := string(path.CodeOf(err))
	if code == "" {
		code = string(path.ErrUnknown)
	}
	return &signer.Error{ErrCode: code, Message: "validation data can't be had", Err: err}
}

// selfSigned returns the certificates that can only be the end of a path.
func selfSigned(all []*x509.Certificate) []*x509.Certificate {
	var out []*x509.Certificate
	for _, c := range all {
		if c.IsCA && string(c.RawIssuer) == string(c.RawSubject) && !slices.ContainsFunc(out, c.Equal) && c.CheckSignatureFrom(c) == nil {
			out = append(out, c)
		}
	}
	return out
}

// validationData is what a file needs: for each signature by its VRI key.
type validationData struct {
	keys  []pdf.Name // in the order of the file
	byKey map[pdf.Name]*path.Evidence
}

// gather collects the validation data of every signature and time-stamp.
func (c *collector) gather(ctx context.Context, list []subject) (*validationData, error) {
	v := &validationData{byKey: map[pdf.Name]*path.Evidence{}}
	for _, s := range list {
		e, err := c.collect(ctx, s)
		if err != nil {
			if s.optional && ctx.Err() == nil {
				continue
			}
			return nil, fmt.Errorf("collect validation data: %w", err)
		}
		if v.byKey[s.vri] == nil {
			v.keys = append(v.keys, s.vri)
			v.byKey[s.vri] = &path.Evidence{}
		}
		v.byKey[s.vri].Merge(e)
	}
	return v, nil
}
