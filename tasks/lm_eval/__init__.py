"""Our tasks as YAML for lm-evaluation-harness: `lm_eval --include_path tasks/lm_eval --tasks rstar_math500`.

`questions.py` holds the functions that the YAML files name; docs/lm-eval.md says how to use them.
"""
