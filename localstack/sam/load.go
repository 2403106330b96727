package sam

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/sam/eval"
	"github.com/sotto-chat/sotto/localstack/sam/resource"
	"github.com/sotto-chat/sotto/localstack/sam/samconfig"
	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Load reads and resolves a template. If there are mistakes in it or in
// samconfig.toml, the error is an [Errors] with all of them.
func Load(o Options) (*Plan, error) {
	folder, isFolder := filepath.Dir(o.Path), false
	if info, err := os.Stat(o.Path); err == nil && info.IsDir() {
		folder, isFolder = o.Path, true
	}
	config, r := &samconfig.Config{}, &template.Report{}
	if o.ConfigEnv != "" {
		path := samconfig.Find(folder)
		c, mistake := samconfig.Read(path, o.ConfigEnv)
		if mistake != nil {
			return nil, Errors{mistake}
		}
		config, r.Read = c, c.Files
	}
	if isFolder {
		o.Path = templateIn(folder, config.Template)
	}
	r.File = o.Path
	if e := foreign(o.Path); e != nil {
		return nil, Errors{e}
	}
	data, err := os.ReadFile(o.Path)
	if err != nil && isFolder && config.Template == "" {
		return nil, Errors{noTemplate(folder, o.Path, err)}
	}
	if err != nil {
		return nil, Errors{samconfig.Unreadable(o.Path, err, "give the path of a SAM template")}
	}
	dir, err := filepath.Abs(filepath.Dir(o.Path))
	if err != nil {
		return nil, fmt.Errorf("find the template's folder: %w", err)
	}
	o.StackName, o.Region = cmp.Or(o.StackName, config.StackName), cmp.Or(o.Region, config.Region)
	overrides := map[string]eval.Override{}
	for name, override := range config.Parameters {
		overrides[name] = override
	}
	for name, text := range o.Parameters {
		overrides[name] = eval.Override{Text: text}
	}
	return load(r, data, dir, o, overrides)
}

// defaultNames are SAM CLI's names of a template, in its order.
var defaultNames = []string{"template.yaml", "template.yml", "template.json"}

// templateIn returns the template in a folder: the one that samconfig.toml
// names, or the one with a default name of SAM CLI.
func templateIn(folder, named string) string {
	switch {
	case filepath.IsAbs(named):
		return named
	case named != "":
		return filepath.Join(folder, filepath.FromSlash(named))
	}
	for _, name := range defaultNames {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return filepath.Join(folder, defaultNames[0])
}

// load resolves the text of a template. Its folder is dir.
func load(r *template.Report, data []byte, dir string, o Options, overrides map[string]eval.Override) (*Plan, error) {
	p := &Plan{
		Path:      o.Path,
		Dir:       dir,
		StackName: cmp.Or(o.StackName, "local"),
		Region:    cmp.Or(o.Region, awsname.DefaultRegion),
		Account:   cmp.Or(o.Account, awsname.DefaultAccount),
	}
	if root := template.Parse(r, data); root != nil {
		l := newLoader(r, root, p, resource.Stack{Name: p.StackName, Dir: dir})
		l.chain = chain{realPath(dir, o.Path)}
		l.run(overrides)
		p.Notes = r.Notes
		if o.Check != nil {
			r.AddNew(o.Check(p, len(r.Errors) == 0))
			l.Eval.Placeholders.Explain(r.Errors)
		}
	}
	if len(r.Errors) > 0 {
		return nil, r.Errors.Sorted()
	}
	for _, file := range append([]string{r.File}, r.Read...) {
		if !slices.Contains(p.Files, file) { // a template may be nested twice
			p.Files = append(p.Files, file)
		}
	}
	slices.SortStableFunc(p.Notes, func(a, b Note) int {
		return cmp.Or(slices.Index(p.Files, a.File)-slices.Index(p.Files, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	return p, nil
}

// realPath returns the absolute path, without links, of a template in the
// folder dir.
func realPath(dir, path string) string {
	path = filepath.Join(dir, filepath.Base(path))
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// stackID returns the ARN of the stack with that name, which is its id.
func stackID(p *Plan, name string) string {
	return awsname.ARN("cloudformation", p.Region, p.Account, "stack/"+name+"/"+resource.UUID(name, ""))
}

// pseudoParameters returns the pseudo parameters of the stack with that name.
func pseudoParameters(p *Plan, name string) map[string]string {
	return map[string]string{
		"AWS::AccountId": p.Account,
		"AWS::Region":    p.Region,
		"AWS::StackName": name,
		"AWS::Partition": awsname.Partition(p.Region),
		"AWS::URLSuffix": awsname.DNSSuffix(p.Region),
		"AWS::StackId":   stackID(p, name),
	}
}
