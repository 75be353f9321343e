#!/bin/sh
# OpenRLHF 0.11.2: GRPO of Qwen2-VL with the detection reward, on 8 GPUs. From vrft's checkout:
#   sh docs/frameworks/openrlhf/grpo.sh [--option value ...]
# Steps: 32 rows / 16 a rollout x 100 episodes = 200.
exec python -m openrlhf.cli.train_ppo_ray \
    --actor.model_name_or_path Qwen/Qwen2-VL-2B-Instruct \
    --reward.remote_url docs/frameworks/openrlhf/reward.py \
    --data.prompt_dataset training-sets/coco-fewshot8-4shot-openrlhf/train.parquet \
    --data.input_key prompt \
    --data.label_key label \
    --data.image_key images \
    --data.max_images_per_prompt 1 \
    --data.apply_chat_template \
    --data.max_len 1280 \
    --algo.advantage.estimator group_norm \
    --algo.kl.use_loss \
    --algo.kl.init_coef 0.04 \
    --algo.kl.estimator k3 \
    --actor.loss_agg_mode seq-mean-token-mean \
    --actor.adam.lr 1e-6 \
    --actor.lr_scheduler constant \
    --actor.gradient_checkpointing_enable \
    --rollout.batch_size 16 \
    --rollout.n_samples_per_prompt 8 \
    --rollout.temperature 1.0 \
    --rollout.max_new_tokens 256 \
    --train.batch_size 128 \
    --train.micro_batch_size 4 \
    --rollout.micro_batch_size 4 \
    --train.num_episodes 100 \
    --train.colocate_all \
    --actor.num_gpus_per_node 8 \
    --ref.num_gpus_per_node 8 \
    --vllm.num_engines 8 \
    --vllm.tensor_parallel_size 1 \
    --vllm.gpu_memory_utilization 0.5 \
    --vllm.enable_sleep \
    --ds.enable_sleep \
    --ds.zero_stage 3 \
    --ds.param_dtype bf16 \
    --ckpt.output_dir runs/openrlhf \
    --ckpt.path runs/openrlhf/checkpoints \
    --logger.tensorboard_dir runs/openrlhf/tensorboard \
    "$@"
