// SPDX-License-Identifier: GPL-2.0-or-later
// A reader of Prometheus' text exposition (version 0.0.4), for tests: written from the format's description, it accepts nothing else. It shares no table with
// the writer. https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

namespace exposition {

struct Family {
    std::string type, help;
    std::map<std::map<std::string, std::string>, double> samples; // by labels
};
using Families = std::map<std::string, Family>;

inline bool is_name(const std::string &name)
{
    if (name.empty() || isdigit(static_cast<unsigned char>(name[0])))
        return false;
    for (char c : name)
        if (!isalnum(static_cast<unsigned char>(c)) && c != '_' && c != ':')
            return false;
    return true;
}

class Parser {
    Families families;
    std::set<std::string> ended; // a family's lines stand together
    std::string current;

    [[noreturn]] static void fail(const std::string &line, const char *why) { throw std::runtime_error(std::string(why) + ": " + line); }

    void enter(const std::string &name, const std::string &line)
    {
        if (name == current)
            return;
        if (!current.empty())
            ended.insert(current);
        if (ended.count(name))
            fail(line, "the family's lines are not together");
        current = name;
    }

    void comment(const std::string &line)
    {
        std::istringstream words(line);
        std::string hash, keyword, name, rest;
        words >> hash >> keyword >> name;
        if (keyword != "HELP" && keyword != "TYPE")
            return;
        if (!is_name(name))
            fail(line, "bad name");
        std::getline(words >> std::ws, rest);
        enter(name, line);
        Family &family = families[name];
        std::string &field = keyword == "HELP" ? family.help : family.type;
        if (!field.empty() || rest.empty())
            fail(line, "given twice or empty");
        if (keyword == "TYPE" && rest != "counter" && rest != "gauge" && rest != "histogram" && rest != "summary" && rest != "untyped")
            fail(line, "unknown type");
        if (keyword == "TYPE" && !family.samples.empty())
            fail(line, "type behind samples");
        field = rest;
    }

    void sample(const std::string &line)
    {
        size_t at = line.find_first_of("{ ");
        if (at == std::string::npos)
            fail(line, "no value");
        std::string name = line.substr(0, at);
        std::map<std::string, std::string> labels;
        if (!is_name(name))
            fail(line, "bad name");
        if (line[at] == '{') {
            at++;
            while (line.at(at) != '}') {
                size_t equals = line.find('=', at);
                if (equals == std::string::npos || line.at(equals + 1) != '"')
                    fail(line, "bad label");
                std::string label = line.substr(at, equals - at), value;
                for (at = equals + 2; line.at(at) != '"'; at++) {
                    if (line[at] != '\\') {
                        value += line[at];
                        continue;
                    }
                    char escaped = line.at(++at);
                    if (escaped != '\\' && escaped != '"' && escaped != 'n')
                        fail(line, "bad escape");
                    value += escaped == 'n' ? '\n' : escaped;
                }
                if (!is_name(label) || label.find(':') != std::string::npos || !labels.emplace(label, value).second)
                    fail(line, "bad or repeated label");
                at++;
                if (line.at(at) == ',')
                    at++;
                else if (line.at(at) != '}')
                    fail(line, "no comma");
            }
            at++;
        }
        if (line.at(at) != ' ')
            fail(line, "no space before the value");
        size_t used;
        std::string number = line.substr(at + 1);
        double value = std::stod(number, &used);
        if (used != number.size())
            fail(line, "bad value");
        enter(name, line);
        if (!families[name].samples.emplace(labels, value).second)
            fail(line, "sample given twice");
    }

  public:
    Families parse(const std::string &text)
    {
        if (text.empty() || text.back() != '\n')
            fail(text.substr(0, 40), "the last line does not end");
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.empty())
                continue;
            if (line[0] == '#')
                comment(line);
            else
                sample(line);
        }
        return families;
    }
};

} // namespace exposition
