// Package edge is the HTTP handler in front of a local AWS stack. It finds the
// service that a request is for as AWS does, by host name, and under any other
// name by path, by X-Amz-Target and by the service in the SigV4 credential
// scope. It is also an HTTP proxy for programs that know AWS by its host names
// only ([Proxy], [Access]).
//
// Use it on a listener that only this machine reaches. Requests to AWS services
// must be signed, as on AWS, but the signature is not verified: any credentials
// are accepted, and those of a function tell the services which function calls.
// Web pages are kept out: a page on another origin cannot add an Authorization
// header (there is no CORS answer) or the header that fault injection takes
// instead, and a page that rebinds its DNS name to this machine is refused by
// its Host header. A WebSocket needs no such header, so those of pages are
// refused by their Origin, unless the page is this machine's. The edge never
// changes what a service answers, except that
// it adds a request id.
//
// Numbers such as A1.10 in the tests are the statements about AWS in
// docs/aws-fidelity.md, which names the tests of each.
package edge

import (
	"fmt"
	"log/slog"
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

// Services are the handlers behind the edge. Requests for a nil one are
// answered with an AWS error that names the service.
type Services struct {
	DynamoDB http.Handler // POST /, targets DynamoDB_20120810.* and DynamoDBStreams_20120810.*
	KMS      http.Handler // POST /, targets TrentService.*
	Lambda   http.Handler // /2015-03-31/…
	// Runtime is the Lambda Runtime API. It gets paths without RuntimePrefix.
	Runtime http.Handler
	// Gateway gets WebSocket upgrades and all paths of a stage.
	Gateway http.Handler
	// Management gets /{stage}/@connections/… and /@connections/…, with the
	// path unchanged.
	Management http.Handler
	// Faults gets FaultsPath and the paths below it.
	Faults http.Handler
	// Page gets GET and HEAD of /_localstack/ and of the paths below it that no
	// other service has, with the path unchanged. It shows what the stack does,
	// so it gets no requests from scripts of another origin.
	Page http.Handler
	// Web gets GET and HEAD of / and of paths whose first segment is not in
	// Stages. It is a static web client, for example. If it is nil, / is a page
	// of text and the other paths go to Gateway.
	Web http.Handler
	// Stages are the names whose paths go to Gateway even if there is a Web.
	Stages []string
	// Domains are the custom domain names of APIs, in lower case. Requests for
	// them go to Gateway and Management, as those for execute-api names do.
	Domains []string
	// Callers returns the function that has an access key id. Services find it
	// in the request's context (trace.CallerOf). ok is false for the key of a
	// caller outside the stack.
	Callers func(accessKeyID string) (caller trace.Caller, ok bool)
}

// Paths of the edge itself. They hide a stage named _localstack, which API
// Gateway would allow.
const (
	HealthPath    = "/_localstack/health"
	FaultsPath    = "/_localstack/faults"
	RuntimePrefix = "/_localstack/runtime"
	ownPrefix     = "/_localstack/"
)

// FaultsHeader is the header, of any value, that a request to FaultsPath needs
// to change something, unless it has an Authorization header.
const FaultsHeader = "X-Localstack-Faults"

// Edge is the handler. Make one with [New]; its methods may be called
// concurrently.
type Edge struct {
	hosts    hosts
	services atomic.Pointer[Services]
	proxy    atomic.Pointer[proxy] // nil until Proxy is called

	origins []string // of pages that may open WebSockets, besides this machine's

	log     *slog.Logger
	logAll  bool
	refused sync.Map // the kinds of refusals that have been logged

	mu     sync.Mutex
	health Health
}

// New returns an edge without services for a listener on address. The address
// is "host:port" with the host as the user wrote it, which Host headers are
// compared with. The health is 503, "starting", until SetHealth.
func New(address string) (*Edge, error) {
	h, err := newHosts(address)
	if err != nil {
		return nil, fmt.Errorf("edge: %w", err)
	}
	e := &Edge{hosts: h, log: slog.New(slog.DiscardHandler), health: Health{Doing: "starting"}}
	e.services.Store(&Services{})
	return e, nil
}

// Log makes the edge log the requests that it refuses: all of them, or only the
// first of each kind. Call it before the first request.
func (e *Edge) Log(log *slog.Logger, all bool) { e.log, e.logAll = log, all }

// Serve replaces the services for all later requests. It does not change the
// health, because functions may need the services before the stack is ready.
func (e *Edge) Serve(s Services) { e.services.Store(&s) }

// ServeHTTP answers a request or hands it to a service.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := e.proxy.Load(); p != nil && isProxied(r) {
		e.serveProxied(w, r, p)
		return
	}
	// Services that make their own request ids replace this one.
	w.Header().Set("X-Amzn-Requestid", awsname.NewRequestID())
	s := e.services.Load()
	svc, named := s.serviceOf(hostName(r.Host))
	// The health is not exempt: a page that rebinds its name could read from it
	// what this stack runs.
	if !named && !e.hosts.allow(r.Host) {
		e.refuse(w, r, http.StatusForbidden, "AccessDeniedException", fmt.Sprintf(
			"The host name %q is not one of this stack's. "+
				"Use localhost, the address that the stack listens on, or the host name of an AWS service.", r.Host))
		return
	}
	credential := awsrequest.CredentialOf(r)
	r = withCaller(r, s.Callers, credential.AccessKeyID)
	p := path.Clean("/" + r.URL.Path)
	isOwn := !named && strings.HasPrefix(p+"/", ownPrefix) // has stricter rules
	switch {
	case awsrequest.IsUpgrade(r) && !isOwn && !e.allowsUpgrade(r):
		e.refuseOrigin(w, r)
	case named:
		e.serveNamed(w, r, s, svc, p)
	case s.Page == nil && e.doing() != "" && wantsPage(r):
		e.serveWaiting(w)
	case isOwn:
		e.serveOwn(w, r, s, p)
	default:
		e.serveByPath(w, r, s, p, credential.Service)
	}
}

// serviceOf returns the service of a host name that belongs to one service.
func (s *Services) serviceOf(name string) (service, bool) {
	if slices.Contains(s.Domains, name) {
		return apiGateway, true
	}
	return awsService(name)
}

// serveNamed serves a request whose host name belongs to one service; p is its
// clean path.
func (e *Edge) serveNamed(w http.ResponseWriter, r *http.Request, s *Services, name service, p string) {
	switch {
	case name == dynamoDB:
		e.passSigned(w, r, s.DynamoDB, name)
	case name == kms:
		e.passSigned(w, r, s.KMS, name)
	case name == lambda:
		e.passSigned(w, r, s.Lambda, name)
	case strings.Contains(p+"/", "/@connections/") && !awsrequest.IsUpgrade(r): // base paths of domains have any depth
		e.passSigned(w, r, s.Management, apiGatewayManagement)
	default:
		e.pass(w, r, s.Gateway, name)
	}
}

// serveOwn serves the paths of the edge itself.
func (e *Edge) serveOwn(w http.ResponseWriter, r *http.Request, s *Services, p string) {
	switch {
	case p == HealthPath:
		e.serveHealth(w, r)
	case strings.HasPrefix(p, RuntimePrefix+"/"):
		e.serveRuntime(w, r, s.Runtime)
	case s.Faults != nil && strings.HasPrefix(p+"/", FaultsPath+"/"):
		e.serveFaults(w, r, s.Faults)
	default:
		e.servePage(w, r, p, s.Page)
	}
}

// serveByPath serves a request whose host name does not say which service it is
// for.
func (e *Edge) serveByPath(w http.ResponseWriter, r *http.Request, s *Services, p, signingName string) {
	switch {
	case awsrequest.IsUpgrade(r):
		e.pass(w, r, s.Gateway, apiGateway)
	case isManagement(p):
		e.passSigned(w, r, s.Management, apiGatewayManagement)
	case isOtherService(signingName):
		e.refuseService(w, r, signingName)
	case signingName == "dynamodb" && !isTarget(r, p):
		e.passSigned(w, r, s.DynamoDB, dynamoDB)
	case signingName == "kms" && !isTarget(r, p):
		e.passSigned(w, r, s.KMS, kms)
	case isLambda(p, signingName):
		e.passSigned(w, r, s.Lambda, lambda)
	case s.Web != nil && reads(r) && !s.hasStage(p):
		s.Web.ServeHTTP(w, r)
	case p != "/":
		e.pass(w, r, s.Gateway, apiGateway)
	case isTarget(r, p):
		e.serveTarget(w, r, s, signingName)
	case reads(r):
		e.serveWelcome(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "The address / takes GET, HEAD and POST.", http.StatusMethodNotAllowed)
	}
}

// reads reports whether the request changes nothing.
func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// hasStage reports whether a clean path belongs to a stage.
func (s *Services) hasStage(p string) bool {
	first, _, _ := strings.Cut(p[1:], "/")
	return slices.Contains(s.Stages, first)
}

// pass hands the request to a service. If that is nil, the answer says whether
// it is not running yet or not in the template.
func (e *Edge) pass(w http.ResponseWriter, r *http.Request, to http.Handler, name service) {
	if to != nil {
		to.ServeHTTP(w, r)
		return
	}
	if doing := e.doing(); doing != "" {
		w.Header().Set("Retry-After", "1")
		e.refuse(w, r, http.StatusServiceUnavailable, "ServiceUnavailableException",
			fmt.Sprintf("%s is not running: the stack is %s.", name.title, doing))
		return
	}
	e.refuse(w, r, http.StatusNotFound, "ResourceNotFoundException",
		fmt.Sprintf("%s is not running: the template has no %s.", name.title, name.resource))
}

// passSigned is pass for a request that AWS requires to be signed.
func (e *Edge) passSigned(w http.ResponseWriter, r *http.Request, to http.Handler, name service) {
	if !signed(r) {
		e.refuse(w, r, name.unsigned, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	e.pass(w, r, to, name)
}

// serveTarget serves POST /, the address of all services with a JSON protocol.
func (e *Edge) serveTarget(w http.ResponseWriter, r *http.Request, s *Services, signingName string) {
	switch targetService(r, signingName) {
	case dynamoDB:
		e.passSigned(w, r, s.DynamoDB, dynamoDB)
	case kms:
		e.passSigned(w, r, s.KMS, kms)
	default:
		if !signed(r) {
			e.refuse(w, r, http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token")
			return
		}
		e.refuse(w, r, http.StatusBadRequest, "UnknownOperationException", fmt.Sprintf(
			"No service of this stack has the operation X-Amz-Target: %q. %s",
			r.Header.Get("X-Amz-Target"), servedServices))
	}
}

// serveRuntime serves the calls of function processes, which are not signed. It
// refuses web pages by the headers that browsers send with every request to
// another origin and that no script can remove (Fetch standard, Fetch
// Metadata).
func (e *Edge) serveRuntime(w http.ResponseWriter, r *http.Request, to http.Handler) {
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		e.refuse(w, r, http.StatusForbidden, "AccessDeniedException",
			"The Lambda Runtime API does not answer web pages.")
		return
	}
	if to == nil {
		e.pass(w, r, nil, lambda)
		return
	}
	http.StripPrefix(RuntimePrefix, to).ServeHTTP(w, r)
}

// serveFaults serves fault injection. A request that changes faults needs a
// header that a page on another origin cannot send: Authorization, as for the
// AWS services, or FaultsHeader, which is easier to type. Reading needs none:
// it changes nothing, and a page on another origin cannot see the answer.
func (e *Edge) serveFaults(w http.ResponseWriter, r *http.Request, to http.Handler) {
	if !reads(r) && r.Header.Get("Authorization") == "" && r.Header.Get(FaultsHeader) == "" {
		e.refuse(w, r, http.StatusForbidden, "MissingAuthenticationTokenException",
			"To change faults, send the header "+FaultsHeader+
				" (any value) or Authorization. This keeps web pages from changing them.")
		return
	}
	to.ServeHTTP(w, r)
}

// servePage serves the other paths of the edge. Pages of another origin may
// link to the page, but they cannot embed it or open a WebSocket to it.
func (e *Edge) servePage(w http.ResponseWriter, r *http.Request, p string, page http.Handler) {
	switch doing := e.doing(); {
	case page == nil && doing != "" && p+"/" == ownPrefix:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "The page is not ready: the stack is "+doing+".", http.StatusServiceUnavailable)
	case page == nil || p == RuntimePrefix || strings.HasPrefix(p+"/", FaultsPath+"/"):
		http.Error(w, "There is no page at this address. "+HealthPath+" lists what runs.", http.StatusNotFound)
	case !reads(r):
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This page is read-only.", http.StatusMethodNotAllowed)
	case fromForeignPage(r) && r.Header.Get("Sec-Fetch-Dest") != "document":
		e.refuse(w, r, http.StatusForbidden, "AccessDeniedException", "Cross-origin requests are not allowed.")
	default:
		page.ServeHTTP(w, r)
	}
}
