/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What most test files include, compiled once: each file still includes what it uses. */
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <gio/gio.h>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
