// Package dmsstub is a document system for the demo and for tests: over real HTTP it hands
// documents to Kyso, receives and verifies the callbacks, and fetches what was signed.
package dmsstub

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kyso-vn/kyso/internal/dms"
)

// Options say where Kyso is and who the stub is there.
type Options struct {
	// Kyso is the public listener's address: http://localhost:8080.
	Kyso             string
	ClientID, Secret string
	// CallbackKey is the HMAC key of the callbacks.
	CallbackKey []byte
	// Listen is where callbacks come in; empty takes a free port on loopback.
	Listen string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Callback is one that was verified, the first of its id.
type Callback struct {
	ID       string    `json:"id"`
	Event    string    `json:"event"`
	Sequence int       `json:"sequence"`
	At       time.Time `json:"at"`
	Document Document  `json:"document"`
	Links    struct {
		Document string `json:"document"`
		Content  string `json:"content"`
		Evidence string `json:"evidence"`
		Report   string `json:"report"`
	} `json:"links"`
}

// Document is what Kyso says of a document.
type Document struct {
	ID               string `json:"id"`
	ExternalID       string `json:"external_id"`
	State            string `json:"state"`
	Revision         int    `json:"revision"`
	SHA256           string `json:"sha256"`
	Level            string `json:"level"`
	TimestampPending bool   `json:"timestamp_pending"`
}

// Stub is a running document system.
type Stub struct {
	o      Options
	client *http.Client
	server *http.Server
	addr   string
	served chan struct{}

	mu        sync.Mutex
	token     string
	got       []Callback
	ids       map[string]bool
	rejected  int
	repeated  int
	failFirst int
	changed   chan struct{} // closed and replaced when a callback arrives
}

const maxBody = 1 << 20

// Start listens for callbacks until Close.
func Start(o Options) (*Stub, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for callbacks: %w", err)
	}
	s := &Stub{o: o, client: &http.Client{Timeout: 2 * time.Minute}, addr: ln.Addr().String(), ids: map[string]bool{},
		changed: make(chan struct{}), served: make(chan struct{})}
	s.server = &http.Server{Handler: http.HandlerFunc(s.receive), ReadTimeout: 30 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(ln) // ends with Close
	}()
	return s, nil
}

// Close stops listening.
func (s *Stub) Close() error {
	err := s.server.Close()
	<-s.served
	return err
}

// CallbackURL is where callbacks are to be sent.
func (s *Stub) CallbackURL() string { return "http://" + s.addr + "/kyso" }

// FailNext lets the next n callbacks be answered with 503.
func (s *Stub) FailNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failFirst = n
}

// Received returns the callbacks so far, in the order of arrival, and how many were turned
// down for a wrong signature and how many had come before.
func (s *Stub) Received() (got []Callback, rejected, repeated int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Callback(nil), s.got...), s.rejected, s.repeated
}

func (s *Stub) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failFirst > 0 {
		s.failFirst--
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	var c Callback
	switch {
	case r.Method != http.MethodPost || !dms.Verify(s.o.CallbackKey, r.Header, body, s.o.Now(), 5*time.Minute):
		s.rejected++
		http.Error(w, "signature", http.StatusUnauthorized)
		return
	case json.Unmarshal(body, &c) != nil || c.ID != r.Header.Get(dms.HeaderEvent):
		s.rejected++
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	if s.ids[c.ID] {
		s.repeated++
	} else {
		s.ids[c.ID] = true
		s.got = append(s.got, c)
		close(s.changed)
		s.changed = make(chan struct{})
	}
	w.WriteHeader(http.StatusNoContent)
}

// Wait returns the first callback of one of the events about a document.
func (s *Stub) Wait(ctx context.Context, documentID string, events ...string) (Callback, error) {
	for {
		s.mu.Lock()
		changed := s.changed
		for _, c := range s.got {
			if c.Document.ID != documentID {
				continue
			}
			for _, e := range events {
				if c.Event == e {
					s.mu.Unlock()
					return c, nil
				}
			}
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Callback{}, fmt.Errorf("wait for %s of document %s: %w", strings.Join(events, " or "), documentID, ctx.Err())
		}
	}
}

// Submit hands a document over. metadata is the JSON of routing.Intake; attachments are
// paths of files, in the order in which metadata describes them. A resend with the same key
// has no second effect; an empty key draws one.
func (s *Stub) Submit(ctx context.Context, metadata []byte, file, key string, attachments ...string) (Document, error) {
	if key == "" {
		b := make([]byte, 16)
		rand.Read(b) // never fails since Go 1.24
		key = hex.EncodeToString(b)
	}
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	// A resend is the same request only when it has the same bytes.
	sum := sha256.Sum256([]byte(key))
	if err := m.SetBoundary(hex.EncodeToString(sum[:])); err != nil {
		return Document{}, err
	}
	part, err := m.CreatePart(map[string][]string{"Content-Disposition": {`form-data; name="metadata"`}, "Content-Type": {"application/json"}})
	if err != nil {
		return Document{}, err
	}
	if _, err := part.Write(metadata); err != nil {
		return Document{}, err
	}
	for i, p := range append([]string{file}, attachments...) {
		name := "attachments"
		if i == 0 {
			name = "file"
		}
		if err := addFile(m, name, p); err != nil {
			return Document{}, err
		}
	}
	if err := m.Close(); err != nil {
		return Document{}, err
	}
	var d Document
	err = s.call(ctx, http.MethodPost, "/api/v1/documents", m.FormDataContentType(), body.Bytes(), key, func(r io.Reader) error {
		return json.NewDecoder(r).Decode(&d)
	})
	return d, err
}

func addFile(m *multipart.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	kind := "application/octet-stream"
	if strings.EqualFold(filepath.Ext(path), ".pdf") {
		kind = "application/pdf"
	}
	w, err := m.CreatePart(map[string][]string{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, name, filepath.Base(path))}, "Content-Type": {kind}})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// Get polls a document.
func (s *Stub) Get(ctx context.Context, id string) (Document, error) {
	var d Document
	err := s.call(ctx, http.MethodGet, "/api/v1/documents/"+url.PathEscape(id), "", nil, "", func(r io.Reader) error {
		return json.NewDecoder(r).Decode(&d)
	})
	return d, err
}

// Fetch stores what a link of a callback leads to in a file. Nothing is left at path unless
// it is complete.
func (s *Stub) Fetch(ctx context.Context, link, path string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".dmsstub-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = s.call(ctx, http.MethodGet, link, "", nil, "", func(r io.Reader) error {
		_, err := io.Copy(tmp, r)
		return err
	})
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// call sends one request with an access token, taking a new token once when it is refused.
func (s *Stub) call(ctx context.Context, method, path, contentType string, body []byte, key string, read func(io.Reader) error) error {
	for again := range 2 {
		token, err := s.accessToken(ctx, again == 1)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.o.Kyso, "/")+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		retry, err := s.exchange(req, again == 0, read)
		if !retry {
			return err
		}
	}
	return nil
}

func (s *Stub) exchange(req *http.Request, first bool, read func(io.Reader) error) (retry bool, err error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized && first {
		return true, nil
	}
	if resp.StatusCode/100 != 2 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return false, fmt.Errorf("%s %s answered %d: %s", req.Method, req.URL.Path, resp.StatusCode, bytes.TrimSpace(b))
	}
	return false, read(resp.Body)
}

// accessToken gets a token by client credentials (RFC 6749, Section 4.4).
func (s *Stub) accessToken(ctx context.Context, fresh bool) (string, error) {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	if token != "" && !fresh {
		return token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.o.Kyso, "/")+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.o.ClientID), url.QueryEscape(s.o.Secret))
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if _, err := s.exchange(req, false, func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) }); err != nil {
		return "", fmt.Errorf("get a token: %w", err)
	}
	if answer.AccessToken == "" {
		return "", errors.New("get a token: the answer has none")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = answer.AccessToken
	return s.token, nil
}
