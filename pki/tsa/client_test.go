package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
)

var stampedDigest = sha256.Sum256([]byte("nội dung"))

// serve runs h for the length of the test and returns its address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func reply(body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", replyType)
		_, _ = w.Write(body)
	})
}

// change answers like s after the request was changed.
func changed(s *Server, change func(*Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		req, err := ParseRequest(body.Bytes())
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		change(req)
		der, _ := req.Marshal()
		resp, _ := s.Respond(r.Context(), der)
		w.Header().Set("Content-Type", replyType)
		_, _ = w.Write(resp)
	})
}

func TestClientGetsAVerifiedToken(t *testing.T) {
	t.Parallel()
	for _, a := range authorities(t) {
		c := &Client{URLs: []string{serve(t, a.server(t))}, Policy: testPolicy, MaxSkew: time.Minute}
		token := must(c.Timestamp(context.Background(), crypto.SHA256, stampedDigest[:]))(t)
		parsed := must(ParseToken(token, cms.Limits{}))(t)
		if _, err := parsed.Verify(stampedDigest[:], VerifyOptions{Policy: testPolicy}); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
	}
}

func TestClientBelievesNoAuthority(t *testing.T) {
	t.Parallel()
	good := newAuthority(t, newP256(t), nil)
	s := good.server(t)
	bend := func(change func(*ServerOptions)) http.Handler {
		o := good.opts
		change(&o)
		return must(NewServer(o))(t)
	}
	// unfit makes a server whose certificate NewServer would refuse.
	unfit := func(change func(*x509.Certificate)) http.Handler {
		a := newAuthority(t, newP256(t), change)
		s := &Server{o: a.opts}
		s.o.Now, s.accepted = time.Now, []asn1.ObjectIdentifier{testPolicy}
		o := cms.Options{Certificate: a.opts.Certificate, Chain: a.opts.Chain, ContentType: OIDTSTInfo}
		s.with = must(cms.NewTemplate(o))(t)
		return s
	}
	old := must(s.Timestamp(context.Background(), crypto.SHA256, stampedDigest[:]))(t)
	replay := must((&Response{Token: old}).Marshal())(t)
	for name, tc := range map[string]struct {
		h    http.Handler
		want Code
	}{
		"wrong nonce":      {changed(s, func(r *Request) { r.Nonce.Add(r.Nonce, big.NewInt(1)) }), ErrNonce},
		"no nonce":         {changed(s, func(r *Request) { r.Nonce = nil }), ErrNonce},
		"replay":           {reply(replay), ErrNonce},
		"wrong imprint":    {changed(s, func(r *Request) { r.Digest[3] ^= 1 }), ErrImprint},
		"wrong hash":       {changed(s, func(r *Request) { r.Hash, r.Digest = crypto.SHA384, make([]byte, 48) }), ErrImprint},
		"wrong policy":     {changed(bend2(t, good), func(r *Request) { r.Policy = nil }), ErrPolicy},
		"no certificate":   {changed(s, func(r *Request) { r.CertReq = false }), ErrSignature},
		"EKU not critical": {unfit(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{timestampEKU(t, false)} }), ErrUsage},
		"EKU not alone": {unfit(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{timestampEKU(t, true, asn1.ObjectIdentifier{1, 2, 3})}
		}), ErrUsage},
		"certificate over": {unfit(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), ""},
		"clock far ahead":  {bend(func(o *ServerOptions) { o.Now = func() time.Time { return time.Now().Add(2 * time.Hour) } }), ErrGenTime},
		"rejection":        {bend(func(o *ServerOptions) { o.ClockCheck = func() error { return errNoKey } }), ErrRejected},
		"garbage":          {reply([]byte{0x30, 0x84, 0x01}), ErrMalformed},
		"empty":            {reply(nil), ErrMalformed},
		"granted, nothing": {reply([]byte{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00}), ErrRejected},
		"huge":             {reply(make([]byte, defaultMaxBytes+1)), ErrTooLarge},
		"web page":         {http.NotFoundHandler(), ErrHTTP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &Client{URLs: []string{serve(t, tc.h)}, Policy: testPolicy, MaxSkew: time.Hour}
			token, err := c.Timestamp(context.Background(), crypto.SHA256, stampedDigest[:])
			if token != nil || err == nil || (tc.want != "" && !errors.Is(err, tc.want)) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			// With a good authority behind it, the second one is used.
			c.URLs = append(c.URLs, serve(t, s))
			if _, err := c.Timestamp(context.Background(), crypto.SHA256, stampedDigest[:]); err != nil {
				t.Errorf("the second authority was not used: %v", err)
			}
		})
	}
}

// bend2 is good with another default policy.
func bend2(t *testing.T, good authority) *Server {
	o := good.opts
	o.Policy = asn1.ObjectIdentifier{1, 2, 3, 4}
	return must(NewServer(o))(t)
}

func TestClientGivesUpInTimeAndHidesPasswords(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	slow := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(stop) })
	u := must(url.Parse(slow))(t)
	u.User = url.UserPassword("kyso", "bi-mat")
	u.RawQuery = "token=bi-mat"
	c := &Client{URLs: []string{u.String()}, Timeout: 20 * time.Millisecond}
	_, err := c.Timestamp(context.Background(), crypto.SHA256, stampedDigest[:])
	if !errors.Is(err, ErrTransport) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), "bi-mat") || !strings.Contains(err.Error(), slow) {
		t.Errorf("error text %q", err)
	}
	if _, err := (&Client{}).Timestamp(context.Background(), crypto.SHA256, stampedDigest[:]); !errors.Is(err, ErrNoURL) {
		t.Errorf("no address: %v", err)
	}
}

func TestClientAsksItsCheck(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, newP256(t), nil)
	c := &Client{URLs: []string{serve(t, a.server(t))}, Check: func(_ context.Context, _ *Token, v *Verified) error {
		if !v.Certificate.Equal(a.opts.Certificate) {
			t.Error("another certificate")
		}
		return errNoKey
	}}
	if _, err := c.Timestamp(context.Background(), crypto.SHA256, stampedDigest[:]); !errors.Is(err, ErrUntrusted) || !errors.Is(err, errNoKey) {
		t.Errorf("got %v", err)
	}
}
