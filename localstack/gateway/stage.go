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

// stage is an API as it is served: its expressions parsed, its models compiled,
// its buckets filled. It never changes.
type stage struct {
	API
	selector selector
	routes   map[string]*servedRoute
	identity []identitySource // of $connect's authorizer
}

// servedRoute is a route and what it needs at run time.
type servedRoute struct {
	Route
	bucket *bucket // nil: only the account's limit holds
	models *models // nil: messages are not checked
}

// stages are all that a gateway serves at one time.
type stages []*stage

func newStages(apis []API, limits Limits, now time.Time) (stages, error) {
	all := make(stages, 0, len(apis))
	for _, api := range apis {
		s, err := newStage(api, limits, now)
		if err != nil {
			return nil, fmt.Errorf("API %q: %w", api.ID, err)
		}
		if all.find(api.ID, api.Stage) != nil {
			return nil, fmt.Errorf("API %q has stage %q twice", api.ID, api.Stage)
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

// find returns the stage of that name, or nil.
func (all stages) find(apiID, name string) *stage {
	for _, s := range all {
		if s.ID == apiID && s.Stage == name {
			return s
		}
	}
	return nil
}

// handshake returns the one stage that a handshake's host and path name, and
// the domain name for its events; or nil.
func (all stages) handshake(host, path string) (*stage, string) {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if named := all.named(hostname(host)); len(named) > 0 {
		for _, n := range named {
			if n.BasePath == path {
				return n.stage, n.Name
			}
		}
		return nil, ""
	}
	var match *stage
	for _, s := range all {
		if s.goesBy(host) && s.Stage == path {
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

// management returns the stages that the host and the path's part before
// @connections name. Without a stage in the path they are all that go by that
// host.
func (all stages) management(host, path string) stages {
	var matches stages
	if named := all.named(hostname(host)); len(named) > 0 {
		for _, n := range named {
			if n.BasePath == path {
				matches = append(matches, n.stage)
			}
		}
		return matches
	}
	for _, s := range all {
		if s.goesBy(host) && (path == "" || s.Stage == path) {
			matches = append(matches, s)
		}
	}
	return matches
}

// namedStage is a stage by one of its custom domains.
type namedStage struct {
	Domain
	*stage
}

func (all stages) named(host string) []namedStage {
	var list []namedStage
	for _, s := range all {
		for _, d := range s.Domains {
			if strings.EqualFold(d.Name, host) {
				list = append(list, namedStage{d, s})
			}
		}
	}
	return list
}

// has reports whether one of the stages is the API's and of that name.
func (all stages) has(apiID, name string) bool { return all.find(apiID, name) != nil }

// goesBy reports whether a host that is no custom domain can mean this stage:
// the API's execute-api name, or any name that is not of that form.
func (s *stage) goesBy(host string) bool {
	id := apiID(host)
	return id == "" || strings.EqualFold(id, s.ID) && !s.DisableExecuteAPIEndpoint
}

// apiID returns the API that a host name of the form {apiId}.execute-api.…
// names, or "".
func apiID(host string) string {
	id, rest, _ := strings.Cut(host, ".")
	if strings.HasPrefix(strings.ToLower(rest), "execute-api.") {
		return id
	}
	return ""
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(host, ".")
}

// managementPath splits /{stage}/@connections/{id} and /@connections/{id};
// stage may be the base path of a custom domain. It works on the path as sent,
// so that an encoded slash stays inside its segment.
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

// Resolve tells what a call of @connections is about, for whoever decides
// whether the caller may make it: on AWS the resource is
// arn:aws:execute-api:{region}:{account}:{apiID}/{stage}/{method}/@connections/{connectionID}.
// It is false for a request that is no such call, or that leaves open which
// stage it means.
func (g *Gateway) Resolve(r *http.Request) (apiID, stage, connectionID string, ok bool) {
	path, id, ok := managementPath(r.URL)
	if !ok {
		return "", "", "", false
	}
	matches := g.stages().management(r.Host, path)
	if c := g.lookup(id); c != nil && matches.has(c.apiID, c.stageName) {
		return c.apiID, c.stageName, id, true
	}
	if len(matches) != 1 {
		return "", "", "", false
	}
	return matches[0].ID, matches[0].Stage, id, true
}
