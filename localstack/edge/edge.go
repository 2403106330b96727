// Package edge is the one HTTP handler in front of a local AWS stack. It tells
// requests apart the way AWS does, by host name, and under any other name by
// path, by X-Amz-Target and by the service in a SigV4 credential scope, and
// hands each to its service. For programs that know AWS by its names only it is
// an HTTP proxy that leads these to itself ([Proxy], [Access]).
//
// Use it on a listener that only this machine reaches. It asks AWS requests to
// be signed, as AWS does, without checking the signature: any credentials are
// good, and those of a function tell the services which function asks. What it
// does keep out is web pages: one on another origin cannot add an Authorization
// header (there is no CORS answer), nor the header that fault injection takes
// in its place, and one that rebinds its DNS name to this machine is refused by
// its Host header. It never alters what a service answers, but for adding a
// request id.
package edge

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/awsrequest"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Services are what the edge hands requests to. A nil one is not there: its
// requests are answered with an AWS error that names it.
type Services struct {
	DynamoDB http.Handler // POST /, targets DynamoDB_20120810.* and DynamoDBStreams_20120810.*
	KMS      http.Handler // POST /, targets TrentService.*
	Lambda   http.Handler // /2015-03-31/…
	// Runtime is the Lambda Runtime API. It sees its paths without
	// RuntimePrefix.
	Runtime http.Handler
	// Gateway takes WebSocket upgrades and every path of a stage.
	Gateway http.Handler
	// Management takes /{stage}/@connections/… and /@connections/…, with the
	// path as it came.
	Management http.Handler
	// Faults takes FaultsPath and what is below it.
	Faults http.Handler
	// Page takes GET and HEAD of /_localstack/ and of what is below it and
	// nobody else's, with the path as it came. It shows what the stack does, so
	// it never sees a request that a script of another origin makes.
	Page http.Handler
	// Web takes GET and HEAD of / and of paths whose first segment is not in
	// Stages, such as a static web client; nil leaves a page of text at /
	// and everything else to Gateway.
	Web http.Handler
	// Stages are the names that Web leaves to Gateway.
	Stages []string
	// Domains are the custom domain names of APIs, in lower case. They lead to
	// Gateway and Management as the execute-api names do.
	Domains []string
	// Callers returns the function that has an access key id. The services
	// find it in the request's context (trace.CallerOf); whose key it does not
	// know is somebody outside.
	Callers func(accessKeyID string) (caller trace.Caller, ok bool)
}

// Paths of the edge itself. A stage with the name _localstack, which API
// Gateway would allow, is out of reach.
const (
	HealthPath    = "/_localstack/health"
	FaultsPath    = "/_localstack/faults"
	RuntimePrefix = "/_localstack/runtime"
	ownPrefix     = "/_localstack/"
)

// FaultsHeader lets a request to FaultsPath change something, whatever its
// value. Without it or Authorization it is refused.
const FaultsHeader = "X-Localstack-Faults"

// Edge is the handler. Its methods may be called concurrently.
type Edge struct {
	hosts    hosts
	services atomic.Pointer[Services]
	proxy    atomic.Pointer[proxy] // nil: none

	mu     sync.Mutex
	health Health
}

// New returns an edge for a listener on address ("host:port", the host as it
// was asked for). Its health is 503, "starting", until SetHealth.
func New(address string) (*Edge, error) {
	h, err := newHosts(address)
	if err != nil {
		return nil, fmt.Errorf("edge: %w", err)
	}
	e := &Edge{hosts: h, health: Health{Doing: "starting"}}
	e.services.Store(&Services{})
	return e, nil
}

// Serve sets the services, from the next request on. It does not change the
// health: functions may need their services before the stack is ready.
func (e *Edge) Serve(s Services) { e.services.Store(&s) }

// ServeHTTP answers one request.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := e.proxy.Load(); p != nil && isProxied(r) {
		e.serveProxied(w, r, p)
		return
	}
	// A service that has an id of its own replaces this one.
	w.Header().Set("X-Amzn-Requestid", awsname.NewRequestID())
	// Health is no exception: nobody has a reason to ask for it under a
	// foreign name, and a page that rebinds its name could read from it what
	// runs here.
	s := e.services.Load()
	of, named := s.serviceOf(hostName(r.Host))
	if !named && !e.hosts.allow(r.Host) {
		refuse(w, r, http.StatusForbidden, "AccessDeniedException", fmt.Sprintf(
			"The Host %q is not this stack's. Use localhost, the address it listens on, or the name of an AWS service.", r.Host))
		return
	}
	by := awsrequest.CredentialOf(r)
	r = withCaller(r, s.Callers, by.AccessKeyID)
	p := path.Clean("/" + r.URL.Path)
	if named {
		e.serveNamed(w, r, s, of, p)
		return
	}
	switch {
	case p == HealthPath:
		e.serveHealth(w, r)
	case strings.HasPrefix(p, RuntimePrefix+"/"):
		e.serveRuntime(w, r, s.Runtime)
	case s.Faults != nil && strings.HasPrefix(p+"/", FaultsPath+"/"):
		serveFaults(w, r, s.Faults)
	case strings.HasPrefix(p+"/", ownPrefix):
		servePage(w, r, p, s.Page)
	case awsrequest.IsUpgrade(r):
		e.pass(w, r, s.Gateway, apiGateway)
	case isManagement(p):
		e.passSigned(w, r, s.Management, apiGatewayManagement)
	case isOther(by.Service):
		refuseOther(w, r, by.Service)
	case strings.HasPrefix(p, "/2015-03-31/"):
		e.passSigned(w, r, s.Lambda, lambda)
	case s.Web != nil && reads(r) && !s.hasStage(p):
		s.Web.ServeHTTP(w, r)
	case p != "/":
		e.pass(w, r, s.Gateway, apiGateway)
	case r.Method == http.MethodPost:
		e.serveTarget(w, r, s, by.Service)
	case reads(r):
		e.serveWelcome(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "The address / takes GET, HEAD and POST.", http.StatusMethodNotAllowed)
	}
}

// serviceOf returns the service that a host name alone stands for.
func (s *Services) serviceOf(name string) (of service, ok bool) {
	if slices.Contains(s.Domains, name) {
		return apiGateway, true
	}
	return awsService(name)
}

// serveNamed answers under a name that says which service is meant.
func (e *Edge) serveNamed(w http.ResponseWriter, r *http.Request, s *Services, of service, p string) {
	switch {
	case of == dynamoDB:
		e.passSigned(w, r, s.DynamoDB, of)
	case of == kms:
		e.passSigned(w, r, s.KMS, of)
	case of == lambda:
		e.passSigned(w, r, s.Lambda, of)
	case strings.Contains(p+"/", "/@connections/") && !awsrequest.IsUpgrade(r): // the base path of a custom domain has any depth
		e.passSigned(w, r, s.Management, apiGatewayManagement)
	default:
		e.pass(w, r, s.Gateway, of)
	}
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// hasStage reports whether a clean path is in a stage.
func (s *Services) hasStage(p string) bool {
	first, _, _ := strings.Cut(p[1:], "/")
	return slices.Contains(s.Stages, first)
}

// pass hands the request on, or says that the service is not there.
func (e *Edge) pass(w http.ResponseWriter, r *http.Request, to http.Handler, name service) {
	if to != nil {
		to.ServeHTTP(w, r)
		return
	}
	if doing := e.doing(); doing != "" {
		w.Header().Set("Retry-After", "1")
		refuse(w, r, http.StatusServiceUnavailable, "ServiceUnavailableException",
			fmt.Sprintf("%s is not there yet: %s.", name.title, doing))
		return
	}
	refuse(w, r, http.StatusNotFound, "ResourceNotFoundException",
		fmt.Sprintf("%s is not there: the template has no %s.", name.title, name.resource))
}

// passSigned is pass for a request that AWS requires to be signed.
func (e *Edge) passSigned(w http.ResponseWriter, r *http.Request, to http.Handler, name service) {
	if !signed(r) {
		refuse(w, r, name.unsigned, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	e.pass(w, r, to, name)
}

// serveTarget takes POST /, where services of the JSON protocols live.
func (e *Edge) serveTarget(w http.ResponseWriter, r *http.Request, s *Services, signingName string) {
	switch targetService(r, signingName) {
	case dynamoDB:
		e.passSigned(w, r, s.DynamoDB, dynamoDB)
	case kms:
		e.passSigned(w, r, s.KMS, kms)
	default:
		if !signed(r) {
			refuse(w, r, http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token")
			return
		}
		refuse(w, r, http.StatusBadRequest, "UnknownOperationException", fmt.Sprintf(
			"No service here has the operation X-Amz-Target: %q. %s", r.Header.Get("X-Amz-Target"), present))
	}
}

// serveRuntime takes the calls of function processes, which are not signed. So
// whatever says that it comes from a web page is refused: browsers send these
// headers with every request to another origin, and no script can remove them
// (Fetch standard, Fetch Metadata).
func (e *Edge) serveRuntime(w http.ResponseWriter, r *http.Request, to http.Handler) {
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		refuse(w, r, http.StatusForbidden, "AccessDeniedException",
			"The Lambda Runtime API is for functions, not for web pages.")
		return
	}
	if to == nil {
		e.pass(w, r, nil, lambda)
		return
	}
	http.StripPrefix(RuntimePrefix, to).ServeHTTP(w, r)
}

// serveFaults takes requests that break things on purpose. As those to the AWS
// services, they must carry a header that a page on another origin cannot send:
// Authorization, or FaultsHeader, which is easier to type. Reading changes
// nothing, and another origin cannot see the answer.
func serveFaults(w http.ResponseWriter, r *http.Request, to http.Handler) {
	if !reads(r) && r.Header.Get("Authorization") == "" && r.Header.Get(FaultsHeader) == "" {
		refuse(w, r, http.StatusForbidden, "MissingAuthenticationTokenException",
			"To change faults, send the header "+FaultsHeader+
				" (with any value) or Authorization, so that no web page can.")
		return
	}
	to.ServeHTTP(w, r)
}

// servePage takes the rest of the edge's own paths. Another origin may link to
// the page but neither embed what is there nor open a WebSocket to it.
func servePage(w http.ResponseWriter, r *http.Request, p string, page http.Handler) {
	switch {
	case page == nil || p == RuntimePrefix || strings.HasPrefix(p+"/", FaultsPath+"/"):
		http.Error(w, "There is nothing at this address. "+HealthPath+" says what runs.", http.StatusNotFound)
	case !reads(r):
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The page is to be read.", http.StatusMethodNotAllowed)
	case fromForeignPage(r) && r.Header.Get("Sec-Fetch-Dest") != "document":
		refuse(w, r, http.StatusForbidden, "AccessDeniedException", "This page is for people, not for other pages.")
	default:
		page.ServeHTTP(w, r)
	}
}
