#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The documentation against the tree: every `file.c:function()` is defined in that file, every `folder/file` and relative link exists, and docs/
# configuration.md and observing.md and control.md have the program's tables, commands and options. Usage: docs.sh VMM [--update]; --update writes the tables.
set -u
vmm=$(readlink -f "$1")
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
pages=(docs/configuration.md docs/control.md)
bad=0 references=0 links=0 commands=0
wrong() { echo "docs: $*"; bad=1; }

# A definition starts in the first column and is no prototype.
while IFS=: read -r doc file function; do
  references=$((references + 1))
  name=${function%%(*}
  if [ ! -f "$file" ]; then
    wrong "$doc: $file:$name(): no such file"
  elif ! grep -E "^[a-z].*[ *]$name\(" "$file" | grep -qv ';$'; then
    wrong "$doc: $file:$name(): not defined there"
  fi
done < <(grep -oE '[a-z][a-z0-9_/]*\.[ch]:[a-z_0-9]+\(\)' docs/*.md README.md /dev/null 2>/dev/null)

while IFS=: read -r doc path; do
  path=${path//\`/}
  [ -e "$path" ] || wrong "$doc: $path: no such file"
done < <(grep -oE '`[a-z.]+(/[a-z0-9_.]+)+`' docs/*.md README.md /dev/null 2>/dev/null | grep -v ':`build/')

while IFS=: read -r doc link; do
  links=$((links + 1))
  target=${link#*](}
  target=${target%%)*}
  target=${target%%#*}
  [ -z "$target" ] || [ -e "$(dirname "$doc")/$target" ] || wrong "$doc: link to $target leads nowhere"
done < <(grep -oE '\]\([^):]+\)' docs/*.md README.md /dev/null 2>/dev/null)

# Every command is on the first page, and every option of it on one of them.
for command in $("$vmm" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  commands=$((commands + 1))
  grep -q "\`vmm $command" "${pages[0]}" || wrong "${pages[0]} does not tell of vmm $command"
  for option in $("$vmm" "$command" --help | grep -oE -- '--[a-z]+(-[a-z]+)*'); do
    grep -qE -- "(^|[^a-z-])$option([^a-z-]|$)" "${pages[@]}" || wrong "neither of ${pages[*]} tells of vmm $command $option"
  done
done

# A page's tables are those of a topic of vmm help.
for topic in config:docs/configuration.md control:docs/control.md metrics:docs/observing.md; do
  page=${topic#*:} topic=${topic%%:*}
  begin="<!-- begin: vmm help $topic --markdown -->" end='<!-- end -->'
  if [ "${2-}" = --update ]; then
    { sed "/^$begin\$/q" "$page"; "$vmm" help "$topic" --markdown; sed -n "/^$begin\$/,\$p" "$page" | sed -n "/^$end\$/,\$p"; } >"$page.new" && mv "$page.new" "$page"
  fi
  if ! difference=$(diff <(sed -n "/^$begin\$/,/^$end\$/p" "$page" | sed '1d;$d') <("$vmm" help "$topic" --markdown)); then
    wrong "$page is not what the program says (tests/docs.sh VMM --update writes it):"
    echo "$difference"
  fi
done

echo "$references functions, $links links, $commands commands"
[ "$references" -gt 0 ] && [ "$links" -gt 0 ] && [ "$commands" -gt 0 ] || wrong "nothing found to check: the notation has changed"
exit $bad
