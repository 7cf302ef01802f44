// Command dmsstub plays the document system in the demo: it hands documents to Kyso, waits
// for the signed callbacks and fetches the results. It prints JSON lines on stdout.
//
//	dmsstub -kyso http://localhost:8080 -client ID -secret-file F -callback-key-file F
//	        [-listen ADDR] [-out DIR] [-until EVENT] METADATA.json=FILE.pdf …
//
// The callback address is put into the metadata. It ends when every document got the event
// of -until, or one that ends its way otherwise, which is an error.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/testkit/dmsstub"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dmsstub:", err)
		os.Exit(1)
	}
}

// ends are the events behind which nothing more comes.
var ends = []string{"document.issued", "document.refused", "document.returned", "document.withdrawn", "document.expired", "document.failed"}

func run(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("dmsstub", flag.ContinueOnError)
	kyso := fs.String("kyso", "http://localhost:8080", "Kyso's public address")
	client := fs.String("client", "", "client id")
	secretFile := fs.String("secret-file", "", "file with the client secret")
	keyFile := fs.String("callback-key-file", "", "file with the HMAC key of callbacks")
	listen := fs.String("listen", "", "address for callbacks; a free port when empty")
	dir := fs.String("out", "", "folder for the signed files and the evidence")
	until := fs.String("until", "document.issued", "event to wait for")
	limit := fs.Duration("timeout", 2*time.Minute, "how long to wait")
	if err := fs.Parse(args); err != nil {
		return err
	}
	secret, err := os.ReadFile(*secretFile)
	if err != nil {
		return fmt.Errorf("read the secret: %w", err)
	}
	key, err := os.ReadFile(*keyFile)
	if err != nil {
		return fmt.Errorf("read the callback key: %w", err)
	}
	stub, err := dmsstub.Start(dmsstub.Options{Kyso: *kyso, ClientID: *client, Secret: string(bytes.TrimSpace(secret)),
		CallbackKey: bytes.TrimSpace(key), Listen: *listen})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	s := session{stub: stub, out: json.NewEncoder(out), dir: *dir, until: *until}
	return errors.Join(s.all(ctx, fs.Args()), stub.Close())
}

type session struct {
	stub       *dmsstub.Stub
	out        *json.Encoder
	dir, until string
}

func (s *session) all(ctx context.Context, args []string) error {
	if err := s.out.Encode(map[string]string{"event": "listening", "url": s.stub.CallbackURL()}); err != nil {
		return err
	}
	var docs []dmsstub.Document
	for _, a := range args {
		meta, file, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("%q is not METADATA.json=FILE.pdf", a)
		}
		d, err := s.submit(ctx, meta, file)
		if err != nil {
			return fmt.Errorf("hand over %s: %w", file, err)
		}
		if err := s.out.Encode(map[string]any{"event": "submitted", "document": d}); err != nil {
			return err
		}
		docs = append(docs, d)
	}
	for _, d := range docs {
		if err := s.follow(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// submit puts our callback address into the metadata and hands the document over.
func (s *session) submit(ctx context.Context, meta, file string) (dmsstub.Document, error) {
	b, err := os.ReadFile(meta)
	if err != nil {
		return dmsstub.Document{}, err
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return dmsstub.Document{}, fmt.Errorf("metadata: %w", err)
	}
	m["callback_url"] = s.stub.CallbackURL()
	if b, err = json.Marshal(m); err != nil {
		return dmsstub.Document{}, err
	}
	return s.stub.Submit(ctx, b, file, "")
}

// follow waits for a document's callback and fetches the result.
func (s *session) follow(ctx context.Context, d dmsstub.Document) error {
	c, err := s.stub.Wait(ctx, d.ID, append([]string{s.until}, ends...)...)
	if err != nil {
		return err
	}
	if err := s.out.Encode(map[string]any{"event": "callback", "callback": c}); err != nil {
		return err
	}
	if c.Event != s.until {
		return fmt.Errorf("document %s ended by %s", d.ID, c.Event)
	}
	if s.dir == "" {
		return nil
	}
	for link, name := range map[string]string{c.Links.Content: d.ID + ".pdf", c.Links.Evidence: d.ID + "-evidence.zip"} {
		path := filepath.Join(s.dir, name)
		if err := s.stub.Fetch(ctx, link, path); err != nil {
			return fmt.Errorf("fetch %s: %w", link, err)
		}
		if err := s.out.Encode(map[string]string{"event": "saved", "document": d.ID, "file": path}); err != nil {
			return err
		}
	}
	return nil
}
