# Image of the simulator (docs/image.md). Without a syntax line, which would download another image.

# The long-term support release that CI tests. For a mirror: --build-arg NODE_IMAGE=registry.example.com/node:24-bookworm-slim
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

# All dependencies, including those of the build.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
# The pattern makes .npm-cache.tgz optional.
COPY package.json package-lock.json .npm-cache.tg[z] ./
COPY scripts/image-install.sh scripts/
# unrestricted | semi-restricted | restricted
ARG network_type=unrestricted
# Mirror for semi-restricted; default: the public registry. Arguments stay in the image history: pass credentials as secret npmrc.
ARG NPM_REGISTRY=
RUN --mount=type=secret,id=npmrc --mount=type=secret,id=ca \
    network_type="$network_type" NPM_REGISTRY="$NPM_REGISTRY" sh scripts/image-install.sh

# Builds dist/ and removes everything from node_modules/ that the program does not load.
FROM dependencies AS build
COPY scripts/bundle.mjs scripts/declare-types.ts scripts/image-prune.mjs scripts/pack-encodings.ts scripts/
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY ui ./ui
RUN npm run --silent build && node scripts/image-prune.mjs

FROM ${NODE_IMAGE} AS runtime
LABEL org.opencontainers.image.title="aoai-simulated-api" \
      org.opencontainers.image.description="A simulated Azure OpenAI endpoint for load tests and CI" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    RECORDING_DIR=/mnt/simulator/recording
WORKDIR /app
# Rarely changed files first. Owned by root, so that the program cannot change itself.
COPY --from=build /app/node_modules ./node_modules
COPY LICENSE ./
COPY recordings ./recordings
COPY --from=build /app/package.json ./
COPY --from=build /app/dist ./dist
RUN install -d -o 10001 -g 10001 /mnt/simulator /mnt/simulator/recording
# Numeric, so that Kubernetes can check runAsNonRoot.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["node", "-e", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(`${process.env.TLS_CERT_PATH ? 'https' : 'http'}://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node.js is process 1, because npm would not pass on SIGTERM and SIGINT.
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD []
