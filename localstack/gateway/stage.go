package gateway

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// stage is an API with parsed expressions, compiled models and full buckets. It
// never changes.
type stage struct {
	API
	selector selector
	routes   map[string]*servedRoute
	identity []identitySource // of $connect's authorizer
}

// servedRoute is a route with its bucket, its models and its mock's answer.
type servedRoute struct {
	Route
	bucket   *bucket // nil if only the account's limit applies
	models   *models // nil if messages are not validated
	response mapping // of Mock
}

// stages are the stages that a gateway serves at one time.
type stages []*stage

func newStages(apis []API, limits Limits, now time.Time) (stages, error) {
	all := make(stages, 0, len(apis))
	for _, api := range apis {
		s, err := newStage(api, limits, now)
		if err != nil {
			return nil, fmt.Errorf("API %q: %w", api.ID, err)
		}
		if all.find(api.ID, api.Stage) != nil {
			return nil, fmt.Errorf("API %q: two stages %q", api.ID, api.Stage)
		}
		all = append(all, s)
	}
	return all, nil
}

func newStage(api API, limits Limits, now time.Time) (*stage, error) {
	api, err := api.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &stage{API: api, routes: make(map[string]*servedRoute, len(api.Routes))}
	if s.selector, err = parseSelection(api.RouteSelectionExpression); err != nil {
		return nil, fmt.Errorf("route selection expression %q: %w", api.RouteSelectionExpression, err)
	}
	for key, route := range api.Routes {
		served := &servedRoute{Route: route, bucket: routeBucket(route.Throttle, api.Throttle, limits, now)}
		if served.models, err = newModels(route, api.ID, api.Models); err != nil {
			return nil, fmt.Errorf("route %q: %w", key, err)
		}
		if route.Mock != nil {
			if served.response, err = parseMapping(route.Mock.Response, api.StageVariables); err != nil {
				return nil, fmt.Errorf("route %q: response template: %w", key, err)
			}
		}
		if route.Authorizer != nil {
			for _, text := range route.Authorizer.IdentitySources {
				source, err := parseIdentitySource(text)
				if err != nil {
					return nil, fmt.Errorf("route %q: %w", key, err)
				}
				s.identity = append(s.identity, source)
			}
		}
		s.routes[key] = served
	}
	return s, nil
}

// find returns the stage with this name, or nil.
func (all stages) find(apiID, name string) *stage {
	for _, s := range all {
		if s.ID == apiID && s.Stage == name {
			return s
		}
	}
	return nil
}

// forHandshake returns the stage that the host and path of a handshake name,
// and the domain name for events. The stage is nil if none or more than one
// matches.
func (all stages) forHandshake(host, path string) (*stage, string) {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if named := all.byDomain(hostname(host)); len(named) > 0 {
		for _, n := range named {
			if n.BasePath == path {
				return n.stage, n.Name
			}
		}
		return nil, ""
	}
	var match *stage
	for _, s := range all {
		if s.servesHost(host) && s.Stage == path {
			if match != nil {
				return nil, ""
			}
			match = s
		}
	}
	if match == nil {
		return nil, ""
	}
	return match, match.defaultDomain()
}

// forManagement returns the stages that a host and the part of a path before
// @connections name. Without a stage in the path these are all stages with that
// host.
func (all stages) forManagement(host, path string) stages {
	var matches stages
	if named := all.byDomain(hostname(host)); len(named) > 0 {
		for _, n := range named {
			if n.BasePath == path {
				matches = append(matches, n.stage)
			}
		}
		return matches
	}
	for _, s := range all {
		if s.servesHost(host) && (path == "" || s.Stage == path) {
			matches = append(matches, s)
		}
	}
	return matches
}

// domainStage is a stage with one of its custom domains.
type domainStage struct {
	Domain
	*stage
}

// byDomain returns the stages with this custom domain name.
func (all stages) byDomain(host string) []domainStage {
	var list []domainStage
	for _, s := range all {
		for _, d := range s.Domains {
			if strings.EqualFold(d.Name, host) {
				list = append(list, domainStage{d, s})
			}
		}
	}
	return list
}

// has reports whether the API's stage with this name is among them.
func (all stages) has(apiID, name string) bool { return all.find(apiID, name) != nil }

// servesHost reports whether a host that is not a custom domain can mean this
// stage: the API's execute-api name, or any name that does not have that form.
func (s *stage) servesHost(host string) bool {
	id := apiID(host)
	return id == "" || strings.EqualFold(id, s.ID) && !s.DisableExecuteAPIEndpoint
}

// apiID returns the API in a host name of the form {apiId}.execute-api.…, or
// "".
func apiID(host string) string {
	id, rest, _ := strings.Cut(host, ".")
	if strings.HasPrefix(strings.ToLower(rest), "execute-api.") {
		return id
	}
	return ""
}

// hostname returns the host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(host, ".")
}

// managementPath splits /{stage}/@connections/{id} and /@connections/{id}.
// stage may be the base path of a custom domain. It splits the path before
// decoding, so an encoded slash stays in its segment.
func managementPath(u *url.URL) (stage, id string, ok bool) {
	segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	for i, segment := range segments {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			return "", "", false
		}
		segments[i] = decoded
	}
	n := len(segments) - 2
	if n < 0 || segments[n] != "@connections" || slices.Contains(segments[:n], "") {
		return "", "", false
	}
	return strings.Join(segments[:n], "/"), segments[n+1], true
}

// Resolve returns what a call of @connections names, for the handler that
// decides whether the caller is permitted. On AWS the resource is
// arn:aws:execute-api:{region}:{account}:{apiID}/{stage}/{method}/@connections/{connectionID}.
// ok is false if the request is not such a call, or if more than one stage
// matches.
func (g *Gateway) Resolve(r *http.Request) (apiID, stage, connectionID string, ok bool) {
	path, id, ok := managementPath(r.URL)
	if !ok {
		return "", "", "", false
	}
	matches := g.stages().forManagement(r.Host, path)
	if c := g.lookup(id); c != nil && matches.has(c.apiID, c.stageName) {
		return c.apiID, c.stageName, id, true
	}
	if len(matches) != 1 {
		return "", "", "", false
	}
	return matches[0].ID, matches[0].Stage, id, true
}
