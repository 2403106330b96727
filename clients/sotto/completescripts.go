package main

// completionScripts ask `sotto` for candidates, so that they always match the
// installed program. %[1]s is completeWord.
var completionScripts = map[string]string{
	"bash": `_sotto() {
	local IFS=$'\n' words=("${COMP_WORDS[@]:1:COMP_CWORD}") word
	# bash splits words at =.
	word="${COMP_WORDS[COMP_CWORD]}"
	if [ "$word" = "=" ]; then
		word=""
		words[${#words[@]}-1]=""
	fi
	local filtered=() w
	for w in "${words[@]}"; do [ "$w" = "=" ] || filtered+=("$w"); done
	COMPREPLY=()
	while IFS=$'\t' read -r candidate _; do
		if [ "$candidate" = ":files" ]; then
			compopt -o filenames 2>/dev/null
			COMPREPLY+=($(compgen -f -- "$word"))
		elif [ -n "$candidate" ]; then
			COMPREPLY+=("$candidate")
		fi
	done < <("${COMP_WORDS[0]}" %[1]s "${filtered[@]}" 2>/dev/null)
}
complete -F _sotto sotto
`,
	"zsh": `#compdef sotto
_sotto() {
	local -a candidates
	local line word about
	while IFS= read -r line; do
		word="${line%%%%$'\t'*}" about="${line#*$'\t'}"
		if [[ "$word" == ":files" ]]; then
			_files
			return
		fi
		[[ -n "$word" ]] && candidates+=("${word//:/\\:}:$about")
	done < <("${words[1]}" %[1]s "${(@)words[2,CURRENT]}" 2>/dev/null)
	_describe sotto candidates
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
if [ "$funcstack[1]" = _sotto ]; then _sotto; else compdef _sotto sotto; fi
`,
	"fish": `function __sotto_complete
	set -l words (commandline -opc) (commandline -ct)
	for line in ($words[1] %[1]s $words[2..-1] 2>/dev/null)
		if string match -q ':files*' -- $line
			__fish_complete_path (commandline -ct)
		else
			echo $line
		end
	end
end
complete -c sotto -f -a '(__sotto_complete)'
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName sotto -ScriptBlock {
	param($wordToComplete, $commandAst, $cursorPosition)
	$words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
	# Older versions drop an empty argument unless it is quoted twice.
	if ($wordToComplete -eq '') { $words += $(if ($PSVersionTable.PSVersion -lt [version]'7.3.0') { '""' } else { '' }) }
	& $commandAst.CommandElements[0].ToString() %[1]s @words 2>$null | ForEach-Object {
		$word, $about = $_ -split "\t", 2
		if ($word -ne ':files') {
			if (-not $about) { $about = $word }
			[System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
		}
	}
}
`,
}
