/* openapi_schemas.c: what requests and answers hold. SPDX-License-Identifier: Apache-2.0 */
#include "server/openapi.h"

#include <string.h>

const struct openapi_body openapi_bodies[] = {
    {.route = "evaluate",
     .request = "TrainRequest",
     .answer = "EvaluateAnswer",
     .takes_octets = true},
    {.route = "live", .answer = "Live"},
    {.route = "load", .answer = "ModelStatus"},
    {.route = "metadata", .answer = "ModelMetadata"},
    {.route = "metrics", .answer_type = "text/plain"},
    {.route = "models", .answer = "Models"},
    {.route = "openapi", .answer = "Document"},
    {.route = "page", .answer_type = "text/html"},
    {.route = "page_file", .answer_type = "*/*"},
    {.route = "predict",
     .request = "PredictRequest",
     .answer = "PredictAnswer",
     .takes_octets = true},
    {.route = "publish", .answer = "Published"},
    {.route = "ready", .answer = "Ready"},
    {.route = "reset", .answer = "Training"},
    {.route = "session", .answer = "Session"},
    {.route = "session_begin", .request = "SessionBegin", .answer = "Session"},
    {.route = "session_end", .answer = "Session"},
    {.route = "session_fork", .request = "SessionFork", .answer = "Session"},
    {.route = "session_inspect",
     .request = "StateRequest",
     .answer = "StateAnswer",
     .takes_octets = true},
    {.route = "session_list", .answer = "Sessions"},
    {.route = "session_move", .request = "SessionMove", .answer = "Session"},
    {.route = "session_predict",
     .request = "PredictRequest",
     .answer = "PredictAnswer",
     .takes_octets = true},
    {.route = "session_set_state", .request = "SessionState", .answer = "Session"},
    {.route = "session_state", .answer = "SessionState"},
    {.route = "state", .request = "StateRequest", .answer = "StateAnswer", .takes_octets = true},
    {.route = "status", .answer = "ModelStatus"},
    {.route = "train_step",
     .request = "TrainRequest",
     .answer = "TrainAnswer",
     .takes_octets = true},
    {.route = "training", .answer = "Training"},
    {.route = "training_change", .request = "TrainingChange", .answer = "Training"},
    {.route = "unload", .answer = "ModelStatus"},
    {0}};

const struct openapi_schema openapi_schemas[] = {
    {"Document", "{'type':'object','description':'An OpenAPI document: this one.'}"},
    {"Error", "{'type':'object','required':['error'],'properties':{'error':{'type':'string',"
              "'description':'What was wrong, where, and what was expected.'}}}"},
    {"EvaluateAnswer", "{'type':'object','required':['step','loss','examples'],'properties':{"
                       "'step':{'type':'integer'},'loss':{'type':'number'},"
                       "'accuracy':{'type':'number'},'examples':{'type':'integer'}}}"},
    {"Instance", "{'description':'One sequence: [steps][features] numbers, or all of them in a row "
                 "if the model has fixed steps; or an object with them.','anyOf':["
                 "{'$ref':'#/components/schemas/Numbers'},"
                 "{'type':'object','required':['input'],'properties':{"
                 "'input':{'$ref':'#/components/schemas/Numbers'},"
                 "'initial_state':{'$ref':'#/components/schemas/State'}}}]}"},
    {"Live", "{'type':'object','required':['live'],'properties':{'live':{'type':'boolean'}}}"},
    {"ModelMetadata",
     "{'type':'object','required':['model_spec','metadata'],'properties':{"
     "'model_spec':{'type':'object','required':['name','signature_name','version'],'properties':{"
     "'name':{'type':'string'},'signature_name':{'type':'string'},"
     "'version':{'type':'string'}}},"
     "'metadata':{'type':'object','required':['signature_def'],'properties':{"
     "'signature_def':{'type':'object','description':'As TensorFlow Serving writes it.'},"
     "'labels':{'type':'array','items':{'type':'string'}},"
     "'reads_backwards':{'type':'boolean','description':'It needs whole sequences: no sessions.'},"
     "'pools_steps':{'type':'boolean','description':'The same: its output is of all steps.'}"
     "}}}}"},
    {"ModelStatus", "{'type':'object','required':['model_version_status'],'properties':{"
                    "'model_version_status':{'type':'array','items':"
                    "{'$ref':'#/components/schemas/VersionStatus'}}}}"},
    {"Models", "{'type':'object','required':['models'],'properties':{'models':{'type':'array',"
               "'items':{'type':'object','required':['name','versions'],'properties':{"
               "'name':{'type':'string'},'versions':{'type':'array','items':"
               "{'$ref':'#/components/schemas/VersionStatus'}}}}}}}"},
    {"Numbers", "{'type':'array','description':'Numbers, nested to any depth.','items':{'anyOf':["
                "{'type':'number'},{'$ref':'#/components/schemas/Numbers'}]}}"},
    {"PredictAnswer", "{'description':'predictions to instances, outputs to inputs.','anyOf':["
                      "{'type':'object','required':['predictions'],'properties':{"
                      "'predictions':{'$ref':'#/components/schemas/Numbers'}}},"
                      "{'type':'object','required':['outputs'],'properties':{"
                      "'outputs':{'$ref':'#/components/schemas/Numbers'}}}]}"},
    {"PredictRequest",
     "{'description':'Row form has instances, column form has inputs.','anyOf':["
     "{'type':'object','required':['instances'],'properties':{"
     "'signature_name':{'type':'string'},'instances':{'type':'array','minItems':1,"
     "'items':{'$ref':'#/components/schemas/Instance'}}}},"
     "{'type':'object','required':['inputs'],'properties':{"
     "'signature_name':{'type':'string'},'time_major':{'type':'boolean','default':false},"
     "'inputs':{'anyOf':[{'$ref':'#/components/schemas/Numbers'},"
     "{'type':'object','required':['input'],'properties':{"
     "'input':{'$ref':'#/components/schemas/Numbers'},"
     "'sequence_length':{'type':'array','items':{'type':'integer','minimum':0}},"
     "'initial_state':{'$ref':'#/components/schemas/State'}}}]}}}]}"},
    {"Published", "{'type':'object','required':['version'],'properties':{"
                  "'version':{'type':'string','pattern':'^[0-9]+$'}}}"},
    {"Ready", "{'type':'object','required':['ready'],'properties':{'ready':{'type':'boolean'}}}"},
    {"Session",
     "{'type':'object','required':['id','number','model','version','steps'],'properties':{"
     "'id':{'type':'string'},'number':{'type':'integer'},'model':{'type':'string'},"
     "'version':{'type':'string'},'steps':{'type':'integer'},'age_seconds':{'type':'number'},"
     "'idle_seconds':{'type':'number'},'busy':{'type':'boolean'}}}"},
    {"SessionBegin", "{'type':'object','properties':{"
                     "'id':{'type':'string','pattern':'^[A-Za-z0-9._~-]{1,64}$'},"
                     "'initial_state':{'$ref':'#/components/schemas/State'}}}"},
    {"SessionFork", "{'type':'object','properties':{"
                    "'id':{'type':'string','pattern':'^[A-Za-z0-9._~-]{1,64}$'}}}"},
    {"SessionMove", "{'type':'object','required':['version'],'properties':{"
                    "'version':{'type':'string','pattern':'^[0-9]+$'}}}"},
    {"SessionState", "{'type':'object','required':['state'],'properties':{"
                     "'state':{'$ref':'#/components/schemas/State'},"
                     "'steps':{'type':'integer','minimum':0},'version':{'type':'string'}}}"},
    {"Sessions", "{'type':'object','required':['sessions','next'],'properties':{"
                 "'sessions':{'type':'array','items':{'$ref':'#/components/schemas/Session'}},"
                 "'next':{'type':'integer','nullable':true}}}"},
    {"State", "{'description':'The state of an LSTM has c and h, that of a GRU h; a stack has a "
              "list of them.','anyOf':[{'type':'object','required':['h'],'properties':{"
              "'c':{'$ref':'#/components/schemas/Numbers'},"
              "'h':{'$ref':'#/components/schemas/Numbers'}}},"
              "{'type':'array','items':{'$ref':'#/components/schemas/State'}}]}"},
    {"StateAnswer", "{'type':'object','required':['outputs','state'],'properties':{"
                    "'outputs':{'$ref':'#/components/schemas/Numbers'},"
                    "'state':{'$ref':'#/components/schemas/StateParts'},"
                    "'trace':{'$ref':'#/components/schemas/StateParts'},"
                    "'gates':{'$ref':'#/components/schemas/StateParts'},"
                    "'predictions':{'$ref':'#/components/schemas/Numbers'}}}"},
    {"StateParts", "{'description':'Parts of a recurrent layer by their names, or the state as one "
                   "array; a stack has a list of them.','anyOf':["
                   "{'type':'object','additionalProperties':{'$ref':'#/components/schemas/Numbers'}"
                   "},{'$ref':'#/components/schemas/Numbers'},"
                   "{'type':'array','items':{'$ref':'#/components/schemas/StateParts'}}]}"},
    {"StateRequest", "{'description':'As predict takes it. With a body of raw bytes, what it has "
                     "besides is in the query.','allOf':["
                     "{'$ref':'#/components/schemas/PredictRequest'},"
                     "{'type':'object','properties':{"
                     "'state_is_tuple':{'type':'boolean','default':true},"
                     "'trace':{'type':'boolean','default':false},"
                     "'gates':{'type':'boolean','default':false},"
                     "'predictions':{'type':'boolean','default':false},"
                     "'layers':{'type':'array','minItems':1,"
                     "'items':{'type':'integer','minimum':0}}}}]}"},
    {"TrainAnswer",
     "{'type':'object','required':['step','loss','gradient_norm','examples'],'properties':{"
     "'step':{'type':'integer'},'loss':{'type':'number'},'accuracy':{'type':'number'},"
     "'gradient_norm':{'type':'number'},'examples':{'type':'integer'}}}"},
    {"TrainRequest", "{'description':'As predict takes it, with a label per instance, or one for "
                     "each time step of it if the model gives sequences. With a body of raw bytes, "
                     "what it has besides is in the "
                     "query.','allOf':[{'$ref':'#/components/schemas/PredictRequest'},"
                     "{'type':'object','required':['labels'],'properties':{"
                     "'labels':{'$ref':'#/components/schemas/Numbers'},"
                     "'sample_weight':{'type':'array','items':{'type':'number','minimum':0}},"
                     "'learning_rate':{'type':'number','minimum':0,'exclusiveMinimum':true}}}]}"},
    {"Training",
     "{'type':'object','required':['base_version','step','unpublished_steps','durable','settings',"
     "'losses'],'properties':{'base_version':{'type':'string','pattern':'^[0-9]+$'},"
     "'step':{'type':'integer'},'unpublished_steps':{'type':'integer'},"
     "'durable':{'type':'boolean','description':'An answered train-step survives a crash.'},"
     "'settings':{'type':'object','additionalProperties':true},"
     "'losses':{'type':'array','items':{'type':'number'}}}}"},
    {"TrainingChange", "{'type':'object','additionalProperties':false,'properties':{"
                       "'learning_rate':{'type':'number','minimum':0,'exclusiveMinimum':true},"
                       "'clip_norm':{'type':'number','minimum':0}}}"},
    {"VersionStatus",
     "{'type':'object','required':['version','state','status'],'properties':{"
     "'version':{'type':'string','pattern':'^[0-9]+$'},"
     "'state':{'type':'string','enum':['START','LOADING','AVAILABLE','UNLOADING','END']},"
     "'status':{'type':'object','required':['error_code','error_message'],'properties':{"
     "'error_code':{'type':'string'},'error_message':{'type':'string'}}}}}"},
    {0}};

const struct openapi_body *openapi_find_body(const char *route)
{
    for (const struct openapi_body *body = openapi_bodies; body->route != NULL; body++)
        if (strcmp(body->route, route) == 0)
            return body;
    return NULL;
}
