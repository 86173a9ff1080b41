// The arguments of Megatron-LM by what they mean for a step (megatron/training/arguments.py).
#include <algorithm>

#include "formats/benchmark_text.hpp"
#include "formats/megatron_arguments.hpp"

namespace formats {
namespace {

// The model, training, the strategy, how it is run.
constexpr std::string_view kMapped = R"(
--num-layers --encoder-num-layers --hidden-size --ffn-hidden-size --num-attention-heads
--kv-channels --group-query-attention --num-query-groups --max-position-embeddings
--position-embedding-type --use-rotary-position-embeddings --normalization --swiglu --quick-geglu
--disable-bias-linear --add-qkv-bias --qk-layernorm --untie-embeddings-and-output-weights
--window-size --vocab-size --padded-vocab-size --tokenizer-type --make-vocab-size-divisible-by
--num-experts --moe-router-topk --moe-ffn-hidden-size --moe-shared-expert-intermediate-size
--moe-layer-freq --moe-expert-capacity-factor --moe-router-num-groups --moe-router-group-topk
--moe-router-enable-expert-bias --multi-latent-attention --q-lora-rank --kv-lora-rank
--qk-head-dim --qk-pos-emb-head-dim --v-head-dim --mtp-num-layers
--seq-length --encoder-seq-length --micro-batch-size --global-batch-size --bf16 --fp16
--fp8-format --fp8-hybrid --fp8-e4m3 --fp8-recipe --fp8-param-gather --fp4-format --optimizer
--sgd-momentum --use-precision-aware-optimizer --exp-avg-dtype --exp-avg-sq-dtype
--main-grads-dtype --grad-reduce-in-bf16 --accumulate-allreduce-grads-in-fp32
--recompute-activations --recompute-granularity --recompute-method --recompute-num-layers
--recompute-modules --moe-layer-recompute --attention-backend --use-flash-attn --cuda-graph-impl
--cuda-graph-scope --enable-cuda-graph --external-cuda-graph
--tensor-model-parallel-size --sequence-parallel --context-parallel-size --cp-comm-type
--hierarchical-context-parallel-sizes --pipeline-model-parallel-size
--num-layers-per-virtual-pipeline-stage --num-virtual-stages-per-pipeline-rank
--pipeline-model-parallel-layout --decoder-first-pipeline-num-layers
--decoder-last-pipeline-num-layers --account-for-embedding-in-pipeline-split
--account-for-loss-in-pipeline-split --microbatch-group-size-per-virtual-pipeline-stage
--no-overlap-p2p-communication --expert-model-parallel-size --expert-tensor-parallel-size
--moe-token-dispatcher-type --moe-enable-deepep --moe-deepep-num-sms --moe-shared-expert-overlap
--overlap-moe-expert-parallel-comm --delay-wgrad-compute --use-distributed-optimizer
--use-megatron-fsdp --use-custom-fsdp --data-parallel-sharding-strategy --use-torch-fsdp2
--torch-fsdp2-no-reshard-after-forward --num-distributed-optimizer-instances --overlap-grad-reduce
--overlap-param-gather --tp-comm-overlap --optimizer-cpu-offload --optimizer-offload-fraction
--cpu-offloading-num-layers --use-tp-pp-dp-mapping
--attention-dropout --hidden-dropout --no-masked-softmax-fusion --no-bias-gelu-fusion
--no-bias-swiglu-fusion --no-bias-dropout-fusion --no-rope-fusion
--no-gradient-accumulation-fusion --cross-entropy-loss-fusion --ddp-bucket-size --nproc-per-node
--nnodes
)";

constexpr std::string_view kWithoutCounterpart = R"(
--apply-residual-connection-post-layernorm --calculate-per-token-loss --check-for-large-grads
--cross-entropy-fusion-impl --ddp-average-in-collective --ddp-num-buckets
--ddp-pad-buckets-for-high-nccl-busbw --ddp-reduce-scatter-with-fp32-accumulation
--decoder-num-layers --defer-embedding-wgrad-compute --deterministic-mode
--disable-tp-comm-bulk-dgrad --disable-tp-comm-bulk-wgrad --disable-tp-comm-overlap-ag
--disable-tp-comm-overlap-rs --disable-tp-comm-split-ag --disable-tp-comm-split-rs
--distribute-saved-activations --empty-unused-memory-level --enable-full-sharding-in-hsdp
--first-last-layers-bf16 --fp32-residual-connection --fp4-param-gather --fp4-recipe
--fp8-quantizer-factory --fsdp-double-buffer --heterogeneous-layers-config-encoded-json
--heterogeneous-layers-config-path --hybrid-attention-ratio --hybrid-mlp-ratio
--hybrid-override-pattern --is-hybrid-model --keep-fp8-transpose-cache --main-params-dtype
--moe-apply-probs-on-input --moe-extended-tp --moe-pad-expert-input-to-capacity
--moe-use-legacy-grouped-gemm --nccl-communicator-config-path --no-align-grad-reduce
--no-align-param-gather --no-fp8-wgrad --no-gradient-reduce-div-fusion --no-persist-layer-norm
--no-scatter-gather-tensors-in-pipeline --num-layers-at-end-in-bf16 --num-layers-at-start-in-bf16
--overlap-cpu-optimizer-d2h-h2d --overlap-p2p-communication-warmup-flush
--overlap-param-gather-with-optimizer-step --pipeline-model-parallel-comm-backend
--pipeline-model-parallel-split-rank --qk-l2-norm --rampup-batch-size
--reuse-grad-buf-for-mxfp8-param-ag --softmax-type --spec --squared-relu
--suggested-communication-unit-size --tp-comm-overlap-rs-dgrad --train-sync-interval
--transformer-impl --use-checkpoint-args --use-legacy-models --use-mp-args-from-checkpoint-args
--use-nccl-ub --use-ring-exchange-p2p --use-sharp --use-te-activation-func --wgrad-deferral-limit
--window-attn-skip-freq --yaml-cfg
)";

// Names that begin so concern data, rates, checkpoints, logs, evaluation and the launcher.
constexpr std::string_view kWithoutEffect = R"(
--adam- --adlr- --app-tag- --apply-layernorm-1p --apply-query-key-layer-scaling --async-save
--attention-softmax-in-fp32 --auto-detect-ckpt-format --bert- --calc-ft- --check- --ckpt-
--clip-grad --config-logger- --cuda-graph-warmup-steps --data-args-path --data-cache-path
--data-parallel-random-init --data-path --dataloader-type --decoupled-
--disable-bf16-reduced-precision-matmul --disable-gloo- --disable-msc --dist-ckpt- --distributed-
--eod-mask-loss --embedding-init- --enable-experimental --enable-ft- --end-weight-decay
--error-injection- --eval- --exit- --finetune --fp8-amax- --fp8-interval --fp8-margin
--full-validation --high-priority-stream-groups --hf- --hysteresis --init-method-
--init-model-with-meta-device --initial-loss-scale --inprocess- --iterations-to-skip --keep-
--load --local-rank --log- --logging-level --loss-scale --lr --manual-gc --master- --master_
--max-restarts --memory-snapshot-path --merge-file --min-loss-scale --min-lr --mock-data
--moe-aux-loss-coeff --moe-grouped-gemm --moe-input-jitter-eps --moe-per-layer-logging
--moe-permute-fusion --moe-router-bias-update-rate --moe-router-dtype
--moe-router-force-load-balancing --moe-router-fusion --moe-router-load-balancing-type
--moe-router-padding-for-fp8 --moe-router-pre-softmax --moe-router-score-function
--moe-router-topk-scaling-factor --moe-token-drop-policy --moe-upcycling- --moe-use-upcycling
--moe-z-loss-coeff --mscale --mtp-loss-scaling-factor --multiple-validation-sets
--no-async-tensor-model-parallel-allreduce --no-barrier-with-level-1-timing
--no-check-for-nan-in-loss-and-grad --no-ckpt- --no-clone-scatter-output-in-embedding
--no-create-attention-mask --no-initialization --no-load- --no-log- --no-manual-gc-eval
--no-mmap-bin-files --no-one-logger --no-pin-cpu- --no-python --no-rope-freq --no-save-
--no-strict- --no-use-tokenizer- --node-rank --non-persistent- --norm-epsilon
--num-dataset-builder-threads --num-workers --nvtx- --object-storage- --one-logger- --openai-gelu
--override-opt --per-split-data-args-path --pretrained-checkpoint --profile --rdzv
--record-memory-history --replication --rerun-mode --reset- --result-rejected- --role --rope-
--rotary- --run-workload- --save --seed --skip-train --split --standalone --start-weight-decay
--straggler- --te-rng-tracker --tensorboard- --test- --tiktoken- --timing-log- --tokenizer-
--tp-comm-bootstrap-backend --tp-comm-overlap-cfg --train-data-path --train-iters --train-samples
--trust-remote-code --use-checkpoint-opt --use-cpu-initialization --use-dist-ckpt
--use-mcore-models --use-persistent-ckpt-worker --use-pytorch-profiler --use-rope-scaling
--use_env --valid-data-path --vocab-extra-ids --vocab-file --wandb- --weight-decay
)";

std::vector<std::string_view> names_in(std::string_view block) {
  std::vector<std::string_view> out;
  for (const std::string_view line : lines_of(block)) {
    for (const std::string_view word : words_of(line)) out.push_back(word);
  }
  return out;
}

}  // namespace

std::span<const std::string_view> megatron_mapped() {
  static const std::vector<std::string_view> names = names_in(kMapped);
  return names;
}

MegatronRole megatron_role(std::string_view name) {
  static const std::vector<std::string_view> without_counterpart = names_in(kWithoutCounterpart);
  static const std::vector<std::string_view> without_effect = names_in(kWithoutEffect);
  const auto begins = [&](std::string_view start) { return name.starts_with(start); };
  if (std::find(without_counterpart.begin(), without_counterpart.end(), name) !=
      without_counterpart.end()) {
    return MegatronRole::without_counterpart;
  }
  return std::any_of(without_effect.begin(), without_effect.end(), begins)
             ? MegatronRole::without_effect
             : MegatronRole::unknown;
}

}  // namespace formats
