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
		config, r.Read = c, []string{path}
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
		newLoader(r, root, p).run(overrides)
		p.Notes = r.Notes
		if o.Check != nil {
			r.AddNew(o.Check(p, len(r.Errors) == 0))
		}
	}
	if len(r.Errors) > 0 {
		return nil, r.Errors.Sorted()
	}
	p.Files = append([]string{r.File}, r.Read...)
	slices.SortStableFunc(p.Notes, func(a, b Note) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return p, nil
}

// pseudoParameters returns the pseudo parameters of a plan.
func pseudoParameters(p *Plan) map[string]string {
	stack := "stack/" + p.StackName + "/" + resource.UUID(p.StackName, "")
	return map[string]string{
		"AWS::AccountId": p.Account,
		"AWS::Region":    p.Region,
		"AWS::StackName": p.StackName,
		"AWS::Partition": awsname.Partition(p.Region),
		"AWS::URLSuffix": awsname.DNSSuffix(p.Region),
		"AWS::StackId":   awsname.ARN("cloudformation", p.Region, p.Account, stack),
	}
}
