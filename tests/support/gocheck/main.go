// Command gocheck judges certificates the way etcd and Kubernetes do: with Go's crypto/x509 and crypto/tls.
//
// It reads a JSON list of checks from standard input and writes a JSON list of verdicts, in the same order: "" or the reason.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

// A check is a chain (leaf under ca) or a handshake (server with client), at a time.
type check struct {
	At     time.Time `json:"at"`
	Name   string    `json:"name"`
	CA     []byte    `json:"ca"`
	Leaf   []byte    `json:"leaf"`
	Server *party    `json:"server"`
	Client *party    `json:"client"`
}

// A party shows a certificate and trusts an authority.
type party struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Trusts      []byte `json:"trusts"`
}

func main() {
	var checks []check
	if err := json.NewDecoder(os.Stdin).Decode(&checks); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	verdicts := make([]string, len(checks))
	next := make(chan int)
	var workers sync.WaitGroup
	for range make([]struct{}, runtime.NumCPU()) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				if err := run(checks[i]); err != nil {
					verdicts[i] = err.Error()
				}
			}
		}()
	}
	for i := range checks {
		next <- i
	}
	close(next)
	workers.Wait()
	json.NewEncoder(os.Stdout).Encode(verdicts)
}

func run(c check) error {
	if c.Server != nil {
		return handshake(c)
	}
	return chain(c)
}

// chain verifies for servers and for clients.
func chain(c check) error {
	ca, err := x509.ParseCertificate(c.CA)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	leaf, err := x509.ParseCertificate(c.Leaf)
	if err != nil {
		return fmt.Errorf("leaf: %w", err)
	}
	if !bytes.Equal(leaf.RawIssuer, ca.RawSubject) {
		return errors.New("raw names differ")
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options := x509.VerifyOptions{Roots: roots, CurrentTime: c.At, DNSName: c.Name, KeyUsages: []x509.ExtKeyUsage{usage}}
		if _, err := leaf.Verify(options); err != nil {
			return err
		}
	}
	return nil
}

// handshake lets both parties authenticate each other and exchange bytes both ways.
func handshake(c check) error {
	server, err := config(c, c.Server)
	if err != nil {
		return err
	}
	client, err := config(c, c.Client)
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		return err
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() { served <- echo(listener) }()
	dialed := dial(listener.Addr().String(), client)
	listener.Close()
	if err := <-served; err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if dialed != nil {
		return fmt.Errorf("client: %w", dialed)
	}
	return nil
}

func config(c check, p *party) (*tls.Config, error) {
	pair, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.Key))
	if err != nil {
		return nil, err
	}
	ca, err := x509.ParseCertificate(p.Trusts)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool,
		RootCAs:      pool,
		ServerName:   c.Name,
		Time:         func() time.Time { return c.At },
	}, nil
}

func echo(listener net.Listener) error {
	connection, err := listener.Accept()
	if err != nil {
		return err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = io.Copy(connection, io.LimitReader(connection, 4))
	return err
}

func dial(address string, config *tls.Config) error {
	connection, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := connection.Write([]byte("ping")); err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(connection, 4))
	if err == nil && string(answer) != "ping" {
		err = fmt.Errorf("answered %q", answer)
	}
	return err
}
