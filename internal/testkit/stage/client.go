package stage

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// Visitor speaks with the public listener as one person or system, as their software would.
type Visitor struct {
	base   string
	http   *http.Client
	bearer string
	acct   Account
	otp    func(ctx context.Context, login string) (string, error)
}

// Login logs a person in over the login pages: password, then one-time password. Who is
// logged in already stays so.
func (s *Stage) Login(ctx context.Context, login string) (*Visitor, error) {
	if v := s.visitors[login]; v != nil {
		return v, nil
	}
	a, ok := s.State.Accounts[login]
	if !ok {
		return nil, fmt.Errorf("there is no account %q", login)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	v := &Visitor{base: s.URL(Public), acct: a, otp: s.otp, http: &http.Client{Jar: jar, Timeout: time.Minute}}
	if err := v.form(ctx, "/login", url.Values{"login": {a.Login}, "password": {a.Password}}); err != nil {
		return nil, fmt.Errorf("login of %s: %w", login, err)
	}
	code, err := v.OTP(ctx)
	if err != nil {
		return nil, err
	}
	if err := v.form(ctx, "/login/confirm", url.Values{"otp": {code}}); err != nil {
		return nil, fmt.Errorf("second factor of %s: %w", login, err)
	}
	if s.visitors == nil {
		s.visitors = map[string]*Visitor{}
	}
	s.visitors[login] = v
	return v, nil
}

// form posts a form as a browser does; following the redirect must end in a page.
func (v *Visitor) form(ctx context.Context, path string, values url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+path, strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := v.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		return fmt.Errorf("POST %s: %s", path, res.Status)
	}
	return nil
}

// System gets an access token for the document system.
func (s *Stage) System(ctx context.Context) (*Visitor, error) {
	v := &Visitor{base: s.URL(Public), http: &http.Client{Timeout: time.Minute}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(s.State.Client.ID, s.State.Client.Secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := v.do(req, &token); err != nil {
		return nil, err
	}
	v.bearer = token.AccessToken
	return v, nil
}

// Anyone is a visitor who is not logged in.
func (s *Stage) Anyone() *Visitor {
	return &Visitor{base: s.URL(Public), http: &http.Client{Timeout: time.Minute}}
}

// OTP returns a one-time password that was not used before.
func (v *Visitor) OTP(ctx context.Context) (string, error) { return v.otp(ctx, v.acct.Login) }

// otp takes the next time step of an account, also over runs. The service takes the step
// before and the one behind the present one, so three passwords need no waiting.
func (s *Stage) otp(ctx context.Context, login string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.State.Accounts[login]
	a.Step = max(time.Now().Unix()/30-1, a.Step+1)
	for a.Step > time.Now().Unix()/30+1 {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Second):
		}
	}
	s.State.Accounts[login] = a
	if err := s.State.Save(s.Dir); err != nil {
		return "", err
	}
	return totp.GenerateCode(a.TOTP, time.Unix(a.Step*30, 0))
}

// PIN is the person's.
func (v *Visitor) PIN() string { return v.acct.PIN }

// Problem is a refusal of the API.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
}

// Error implements error.
func (p *Problem) Error() string {
	return fmt.Sprintf("%d %s: %s %s", p.Status, p.Code, p.Detail, p.Field)
}

// Get reads JSON into out.
func (v *Visitor) Get(ctx context.Context, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
	if err != nil {
		return err
	}
	return v.do(req, out)
}

// Post sends in as JSON with a new Idempotency-Key and reads the answer into out.
func (v *Visitor) Post(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return v.Send(ctx, path, "application/json", b, out)
}

// Send posts a body of any kind.
func (v *Visitor) Send(ctx context.Context, path, contentType string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	key := make([]byte, 16)
	rand.Read(key)
	req.Header.Set("Idempotency-Key", hex.EncodeToString(key))
	return v.do(req, out)
}

// Download reads a body of any kind.
func (v *Visitor) Download(ctx context.Context, path string) ([]byte, error) {
	var raw []byte
	err := v.Get(ctx, path, &raw)
	return raw, err
}

// do sends a request; out is where JSON goes, or a *[]byte for the bytes.
func (v *Visitor) do(req *http.Request, out any) error {
	if v.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+v.bearer)
	}
	res, err := v.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 400 {
		p := &Problem{Status: res.StatusCode, Detail: string(b[:min(len(b), 300)])}
		_ = json.Unmarshal(b, p) // what is no problem document is shown as it is
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, p)
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = b
		return nil
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", req.Method, req.URL.Path, err)
	}
	return nil
}
