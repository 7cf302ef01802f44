package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
)

// Client asks time-stamp authorities. Only URLs is required. It is safe for
// concurrent use and must not be changed while it is used.
type Client struct {
	URLs     []string              // asked in this order until one gives a good token
	HTTP     *http.Client          // nil = http.DefaultClient; services pass a guarded one
	Timeout  time.Duration         // for each authority; 0 = 30 s
	Policy   asn1.ObjectIdentifier // asked for and demanded; nil = any
	MaxBytes int64                 // of a response; 0 = 256 KiB

	// MaxSkew is how far genTime may be from Now; 0 = not checked.
	MaxSkew time.Duration
	Now     func() time.Time // nil = time.Now

	// Check, if set, decides whether a verified token's certificate is trusted,
	// such as by building its chain. Its error makes the next authority be asked.
	Check func(ctx context.Context, t *Token, v *Verified) error
}

const (
	defaultTimeout  = 30 * time.Second
	defaultMaxBytes = 256 << 10
)

// Timestamp returns a token over digest, DER, from the first authority whose
// answer holds: granted, our imprint, our nonce, the policy, a signature by a
// certificate for time-stamps only that was valid at genTime. The error joins
// an *Error for every authority asked.
func (c *Client) Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error) {
	if len(c.URLs) == 0 {
		return nil, fail(ErrNoURL, "no time-stamp authority is configured")
	}
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, failErr(ErrUnavailable, err, "nonce")
	}
	req := &Request{Hash: hash, Digest: digest, Policy: c.Policy, Nonce: nonce, CertReq: true}
	body, err := req.Marshal()
	if err != nil {
		return nil, err
	}
	var all []error
	for _, u := range c.URLs {
		token, err := c.ask(ctx, u, req, body)
		if err == nil {
			return token, nil
		}
		all = append(all, withURL(err, u))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(all...)
}

// ask gets and judges one authority's answer.
func (c *Client) ask(ctx context.Context, u string, req *Request, body []byte) ([]byte, error) {
	der, err := c.post(ctx, u, body)
	if err != nil {
		return nil, err
	}
	resp, err := ParseResponse(der)
	if err != nil {
		return nil, err
	}
	if !resp.Granted() {
		return nil, &Error{Code: ErrRejected, Detail: "the authority refused: " + resp.Text, Failure: resp.Failure}
	}
	t, err := ParseToken(resp.Token, cms.Limits{Bytes: int(c.maxBytes())})
	if err != nil {
		return nil, err
	}
	if !sameNonce(req, &t.Info) {
		return nil, fail(ErrNonce, "the nonce did not come back")
	}
	if t.Hash != req.Hash {
		return nil, fail(ErrImprint, "imprint by another hash algorithm")
	}
	v, err := t.Verify(req.Digest, VerifyOptions{Policy: c.Policy})
	if err != nil {
		return nil, err
	}
	if err := c.checkTime(t); err != nil {
		return nil, err
	}
	if c.Check != nil {
		if err := c.Check(ctx, t, v); err != nil {
			return nil, failErr(ErrUntrusted, err, "certificate of the authority")
		}
	}
	return resp.Token, nil
}

func (c *Client) checkTime(t *Token) error {
	if c.MaxSkew <= 0 {
		return nil
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	if d := now().Sub(t.GenTime).Abs(); d > c.MaxSkew {
		return fail(ErrGenTime, "genTime is %v away from our clock", d.Round(time.Second))
	}
	return nil
}

// post sends the query under the time and size limits.
func (c *Client) post(ctx context.Context, u string, body []byte) ([]byte, error) {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, u, bytes.NewReader(body))
	if err != nil {
		return nil, fail(ErrArgument, "address of the authority") // the cause would repeat a password in it
	}
	hr.Header.Set("Content-Type", queryType)
	hr.Header.Set("Accept", replyType)
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(hr)
	if err != nil {
		return nil, failErr(ErrTransport, withoutURL(err), "no answer")
	}
	defer resp.Body.Close()
	der, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBytes()+1))
	if err != nil {
		return nil, failErr(ErrTransport, withoutURL(err), "the answer broke off")
	}
	if int64(len(der)) > c.maxBytes() {
		return nil, fail(ErrTooLarge, "an answer above %d bytes", c.maxBytes())
	}
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t != replyType {
		return nil, fail(ErrHTTP, "HTTP status %d with a body that is no %s", resp.StatusCode, replyType)
	}
	return der, nil
}

func (c *Client) maxBytes() int64 {
	if c.MaxBytes > 0 {
		return c.MaxBytes
	}
	return defaultMaxBytes
}

// withoutURL drops the address that net/http puts around its errors: it may
// hold a password.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// withURL marks an error with the authority's address, user information left out.
func withURL(err error, address string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Code: ErrTransport, Detail: "no answer", Err: err}
	}
	marked := *e
	if u, perr := url.Parse(address); perr == nil {
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		marked.URL = u.String()
	}
	return &marked
}
