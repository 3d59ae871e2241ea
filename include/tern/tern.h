// The public interface of tern, all of it.
#pragma once

#include "tern/chat.h"
#include "tern/cpu.h"
#include "tern/engine.h"
#include "tern/error.h"
#include "tern/log.h"
#include "tern/model.h"
#include "tern/sampling.h"
#include "tern/session.h"
#include "tern/synthetic.h"
#include "tern/tokenizer.h"
#include "tern/tune.h"
