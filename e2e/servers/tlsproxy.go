package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// TLSProxyOptions are the choices for StartTLSProxy.
type TLSProxyOptions struct {
	// Certificate is what the proxy shows; required.
	Certificate *Certificate
	// BasicAuth are the users and passwords that are let in.
	BasicAuth map[string]string
	// APIKeys are let in when they come as "Authorization: ApiKey KEY".
	// Either users or keys; with neither, everybody is let in.
	APIKeys []string
}

// TLSProxy is an nginx that ends TLS and asks for credentials in front of a
// server that knows neither.
type TLSProxy struct {
	*Process
	addr string
}

// StartTLSProxy starts an nginx in front of target (host:port, plain HTTP) and
// returns when it listens. Requests without the credentials get a 401, the
// others are passed on without them. The context bounds the start only.
func StartTLSProxy(ctx context.Context, target string, opts TLSProxyOptions) (*TLSProxy, error) {
	switch {
	case opts.Certificate == nil:
		return nil, errors.New("a TLS proxy needs a certificate")
	case len(opts.BasicAuth) > 0 && len(opts.APIKeys) > 0:
		return nil, errors.New("a TLS proxy asks for users or for API keys, not for both")
	}
	nginx, err := findNginx()
	if err != nil {
		return nil, err
	}
	p, ports, err := newProcess("nginx", "", 1)
	if err != nil {
		return nil, err
	}
	proxy := &TLSProxy{Process: p, addr: loopback(ports[0])}
	config := filepath.Join(p.dir, "nginx.conf")
	// The first notice, of the event method, comes when the port is open.
	p.ready = "[notice]"
	p.answer = proxy.handshake
	p.argv = []string{nginx, "-p", p.dir, "-c", config, "-e", "stderr"}
	if err = writeNginxFiles(p.dir, proxy.addr, target, opts); err == nil {
		err = p.Restart(ctx)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return proxy, nil
}

// URL returns the proxy's address with its scheme and no slash at the end.
func (t *TLSProxy) URL() string { return "https://" + t.addr }

// Addr returns the proxy's address as host:port.
func (t *TLSProxy) Addr() string { return t.addr }

// handshake connects once; whether a client should trust the certificate is
// the test's question.
func (t *TLSProxy) handshake(ctx context.Context) error {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above
	conn, err := dialer.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

func writeNginxFiles(dir, addr, target string, opts TLSProxyOptions) error {
	if _, _, err := net.SplitHostPort(target); err != nil {
		return fmt.Errorf("the TLS proxy's target must be host:port: %w", err)
	}
	files := map[string][]byte{
		"cert.pem":   opts.Certificate.Cert,
		"key.pem":    opts.Certificate.Key,
		"nginx.conf": []byte(nginxConfig(addr, target, opts)),
	}
	if len(opts.BasicAuth) > 0 {
		users, err := htpasswd(opts.BasicAuth)
		if err != nil {
			return err
		}
		files["htpasswd"] = users
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// nginxConfig's paths are relative to the configuration's folder, or, for the
// temporary ones, to the folder that nginx runs in; they are the same.
func nginxConfig(addr, target string, opts TLSProxyOptions) string {
	const config = `# One process, so that a signal reaches all of it.
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path tmp-body;
	proxy_temp_path tmp-proxy;
	fastcgi_temp_path tmp-fastcgi;
	uwsgi_temp_path tmp-uwsgi;
	scgi_temp_path tmp-scgi;
	client_max_body_size 0;
	upstream target { server TARGET; keepalive 16; }
	MAP
	server {
		listen ADDR ssl;
		ssl_certificate cert.pem;
		ssl_certificate_key key.pem;
		AUTH
		location / {
			proxy_pass http://target;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Connection "";
			proxy_set_header Authorization "";
		}
	}
}
`
	var keys, auth string
	switch {
	case len(opts.BasicAuth) > 0:
		auth = `auth_basic "e2e"; auth_basic_user_file htpasswd;`
	case len(opts.APIKeys) > 0:
		// A regular expression, since nginx compares plain words without case.
		quoted := make([]string, len(opts.APIKeys))
		for i, key := range opts.APIKeys {
			quoted[i] = regexp.QuoteMeta(key)
		}
		keys = `map $http_authorization $known { default 0; "~^ApiKey (` + strings.Join(quoted, "|") + `)$" 1; }`
		auth = "if ($known = 0) { return 401; }"
	}
	return strings.NewReplacer("TARGET", target, "ADDR", addr, "MAP", keys, "AUTH", auth).Replace(config)
}
