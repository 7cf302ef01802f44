// Package safehttp makes HTTP clients for addresses that strangers chose:
// callbacks, and the OCSP, CRL and CA addresses inside certificates.
//
// The guard looks at the address that is really dialled, after the name was
// resolved, so a name that changes its mind gains nothing. Redirects are not
// followed, proxies from the environment are not used, and time and size are
// bounded. What is not a public unicast address is refused unless it is on the
// allow-list.
package safehttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Sentinel errors of this package.
var (
	ErrBlocked  = errors.New("address is not allowed")        // the guard refused the target
	ErrRedirect = errors.New("redirects are not followed")    // the server answered 3xx with a Location
	ErrTooLarge = errors.New("response body above the limit") // reading the body was cut off
	ErrScheme   = errors.New("only http and https are allowed")
)

// Options describe a client. The zero value allows public addresses only.
type Options struct {
	// Allow opens what the guard would refuse: "host", "host:port", an address,
	// "address:port" or a CIDR network. Host names are compared as written in
	// the URL and open any address they resolve to, so allow only hosts whose
	// name service you trust.
	Allow []string

	// OnlyAllowed refuses everything that is not on the allow-list, public
	// addresses too.
	OnlyAllowed bool

	Timeout      time.Duration // of a whole exchange, body included; 0 = 15 s
	DialTimeout  time.Duration // 0 = 5 s
	MaxBodyBytes int64         // of a response, after decompression; 0 = 10 MiB
	TLS          *tls.Config   // nil = system roots, TLS 1.2 or better
}

const (
	defaultTimeout     = 15 * time.Second
	defaultDialTimeout = 5 * time.Second
	defaultMaxBody     = 10 << 20
	maxHeaderBytes     = 64 << 10
)

// New returns a client under the guard. Its Transport may be closed with
// CloseIdleConnections. A malformed entry of Allow is an error.
func New(o Options) (*http.Client, error) {
	list, err := parseAllow(o.Allow)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = defaultDialTimeout
	}
	if o.MaxBodyBytes <= 0 {
		o.MaxBodyBytes = defaultMaxBody
	}
	g := &guard{allow: list, only: o.OnlyAllowed, dialTimeout: o.DialTimeout}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		tlsConfig = o.TLS.Clone()
		tlsConfig.MinVersion = max(tlsConfig.MinVersion, tls.VersionTLS12)
	}
	transport := &http.Transport{
		Proxy:                  nil,
		DialContext:            g.dial,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    o.DialTimeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Transport:     &limiter{next: transport, max: o.MaxBodyBytes},
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return ErrRedirect },
	}, nil
}

// guard dials only what is allowed.
type guard struct {
	allow       allowList
	only        bool
	dialTimeout time.Duration
}

// dial resolves and connects. Control runs once for each resolved address, right
// before connect, so what is checked is what is dialled.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	named := g.allow.name(address)
	d := net.Dialer{
		Timeout: g.dialTimeout,
		Control: func(network, resolved string, _ syscall.RawConn) error {
			if named {
				return nil
			}
			return g.check(network, resolved)
		},
	}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return conn, nil
}

// check judges a resolved address, "ip:port".
func (g *guard) check(network, resolved string) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("network %s: %w", network, ErrBlocked)
	}
	ap, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return fmt.Errorf("resolved address: %w", ErrBlocked)
	}
	if g.allow.addr(ap) || (!g.only && public(ap.Addr())) {
		return nil
	}
	return fmt.Errorf("target is internal or not allowed: %w", ErrBlocked)
}

// limiter refuses other schemes and bounds response bodies.
type limiter struct {
	next *http.Transport
	max  int64
}

// RoundTrip implements http.RoundTripper.
func (l *limiter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, ErrScheme
	}
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limitedBody{body: resp.Body, left: l.max}
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections work.
func (l *limiter) CloseIdleConnections() { l.next.CloseIdleConnections() }

// limitedBody gives ErrTooLarge for the first byte above the limit.
type limitedBody struct {
	body io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}

// Close implements io.Closer.
func (b *limitedBody) Close() error { return b.body.Close() }
