package stage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Start runs kyso serve as a child and waits until it is ready. Its log goes to serve.log.
func (s *Stage) Start(ctx context.Context) error {
	var err error
	if s.logs, err = os.OpenFile(s.Path("serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	s.child = exec.Command(s.Kyso, "serve", "--config", s.Path("kyso.yaml"))
	s.child.Stdout, s.child.Stderr = s.logs, s.logs
	s.child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := s.child.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		if s.ready(ctx) {
			return nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return errors.Join(fmt.Errorf("the service is not ready; see %s", s.Path("serve.log")), s.Stop())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Stage) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL(Admin)+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return errors.Join(res.Body.Close()) == nil && res.StatusCode == http.StatusOK
}

// PID is the service's process.
func (s *Stage) PID() int { return s.child.Process.Pid }

// Wait waits until the service ends.
func (s *Stage) Wait() error { return s.child.Wait() }

// Stop ends the service and waits for it.
func (s *Stage) Stop() error {
	if s.child == nil {
		return nil
	}
	err := s.child.Process.Signal(syscall.SIGTERM)
	if werr := s.child.Wait(); err == nil {
		err = werr
	}
	s.child = nil
	return errors.Join(err, s.logs.Close())
}
