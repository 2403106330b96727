package sam

// Options selects the template and the values that it is resolved with.
type Options struct {
	// Path is the template, YAML or JSON, or its folder. In a folder, it is the
	// file that template_file in samconfig.toml names, else template.yaml,
	// template.yml or template.json. Errors show it as given.
	Path string
	// Parameters are values of template parameters. They win over
	// samconfig.toml, which wins over the Default of a parameter.
	Parameters map[string]string
	// ConfigEnv names an environment of the samconfig.toml (or .yaml or .yml)
	// beside the template, such as "default". If it is empty, the file is not
	// read.
	ConfigEnv string
	// Region, Account and StackName are AWS::Region, AWS::AccountId and
	// AWS::StackName. If empty, they are those of samconfig.toml, else
	// us-east-1, 000000000000 and "local".
	Region, Account, StackName string
	// Check looks for mistakes that this package cannot know. They are reported
	// together with the others. If there are others, complete is false and the
	// plan lacks what they concern. nil checks nothing.
	Check func(plan *Plan, complete bool) Errors
}
