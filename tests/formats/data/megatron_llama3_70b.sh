#!/bin/bash
# Llama 3 70B on 64 nodes, as people write it for Slurm.
#SBATCH --nodes=64
export CUDA_DEVICE_MAX_CONNECTIONS=1
set -euo pipefail

GPUS_PER_NODE=8
NNODES=${NNODES:-64}
WORLD_SIZE=$(($GPUS_PER_NODE*$NNODES))
CHECKPOINT_PATH=$1   # where to save
TP=8
PP=4
MICRO_BATCH=1
GLOBAL_BATCH=$(( WORLD_SIZE / (TP * PP) * 64 ))

DISTRIBUTED_ARGS=(
    --nproc_per_node $GPUS_PER_NODE
    --nnodes $NNODES
    --master_addr ${MASTER_ADDR:-localhost}
    --master_port 6000
)

GPT_MODEL_ARGS=(
    --num-layers 80
    --hidden-size 8192
    --ffn-hidden-size 28672
    --num-attention-heads 64
    --group-query-attention
    --num-query-groups 8
    --seq-length 8192
    --max-position-embeddings 8192
    --position-embedding-type rope
    --rotary-base 500000
    --normalization RMSNorm
    --swiglu
    --disable-bias-linear
    --untie-embeddings-and-output-weights
    --attention-dropout 0.0   # no dropout
    --hidden-dropout 0.0
)

TRAINING_ARGS="
    --micro-batch-size ${MICRO_BATCH} \
    --global-batch-size ${GLOBAL_BATCH} \
    --lr 1.5e-4 --min-lr 1e-5 --clip-grad 1.0 \
    --bf16 --train-iters 100000"

MODEL_PARALLEL_ARGS=(
    --tensor-model-parallel-size $TP
    --pipeline-model-parallel-size $PP
    --num-layers-per-virtual-pipeline-stage 5
    --sequence-parallel
    --use-distributed-optimizer
    --overlap-grad-reduce
    --overlap-param-gather
    --recompute-granularity selective
)
MODEL_PARALLEL_ARGS+=(--tp-comm-overlap)

if [ -n "${WANDB_API_KEY:-}" ]; then
    LOGGING_ARGS=(--wandb-project llama3 --log-interval 10)
fi

torchrun "${DISTRIBUTED_ARGS[@]}" pretrain_gpt.py \
    "${GPT_MODEL_ARGS[@]}" \
    $TRAINING_ARGS \
    ${MODEL_PARALLEL_ARGS[@]} \
    --tokenizer-type HuggingFaceTokenizer --tokenizer-model meta-llama/Meta-Llama-3-70B --vocab-size 128256 \
    --data-path "/data/my corpus_text_document" --save "$CHECKPOINT_PATH" \
    --distributed-timeout-minutes 60 --ddp-average-in-collective 2>&1 | tee log.txt
