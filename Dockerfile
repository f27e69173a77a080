# The controller as an image: production dependencies and the sources, which Node runs as they are.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY src src
COPY data data
COPY crds crds
COPY examples examples
ARG COMMIT=unspecified
RUN echo "$COMMIT" > commit
USER 65532:65532
# Small young generations: the heap is mostly long-lived, and memory is worth more here than throughput.
ENTRYPOINT ["node", "--max-semi-space-size=4", "src/main.ts"]
